package pipeline

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/pipeline/source"
)

// quarantine copies a bad picture to dir, with its name in the source. An unreadable
// picture is copied as far as it can be read.
func quarantine(dir string, src source.Source, item source.Item) error {
	r, err := src.Open(item)
	if err != nil {
		return nil // nothing to copy; the report gives the reason
	}
	defer r.Close()
	to := filepath.Join(dir, localName(item.Name))
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return fmt.Errorf("set aside %s: %w", printable.Name(item.Name), err)
	}
	err = file.Replace(to, func(f *os.File) error {
		_, err := io.Copy(f, onlyData{r})
		return err
	})
	if err != nil {
		return fmt.Errorf("set aside %s: %w", printable.Name(item.Name), err)
	}
	return nil
}

// localName turns a picture's name into a path that stays inside a folder.
func localName(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/")
	if local, err := filepath.Localize(name); err == nil && name != "" {
		return source.DecodeName(local)
	}
	return "picture"
}

// onlyData ends a stream where its source fails.
type onlyData struct{ r io.Reader }

func (o onlyData) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}
