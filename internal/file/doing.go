package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Doing is err with what was done before it, or err alone if it is the system's error of
// a file, which says both itself: "write x.png: no space left on device".
func Doing(what string, err error) error {
	if errors.As(err, new(*fs.PathError)) || errors.As(err, new(*os.LinkError)) || errors.As(err, new(*KindError)) {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
