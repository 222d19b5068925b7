package infer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"alexnet/internal/plaintext"
	"alexnet/pipeline/source"
)

// ListError says that standard input does not hold a list of files.
type ListError struct {
	text string
	err  error
}

func (e *ListError) Error() string { return e.text }

// Unwrap returns the reason, if there is another error.
func (e *ListError) Unwrap() error { return e.err }

// List resolves arguments to files. A file stands for itself; a folder for all
// pictures below it, recognised by the ends of their names; "-" for the paths on the
// lines of stdin. A file that is given by name may have any name. Missing files stay
// in the list, so that they are reported with the other bad pictures. A stdin that
// holds something else than a list is a *ListError.
func List(args []string, stdin io.Reader) ([]string, error) {
	var files []string
	for _, arg := range args {
		if arg == "-" {
			list, err := pictureList(stdin)
			if err != nil {
				return nil, err
			}
			lines := bufio.NewScanner(list)
			for lines.Scan() {
				if line := strings.TrimRight(lines.Text(), "\r"); line != "" {
					files = append(files, line)
				}
			}
			if err := lines.Err(); err != nil {
				return nil, fmt.Errorf("the list on standard input: %w", err)
			}
			continue
		}
		info, err := os.Stat(arg)
		if err != nil || !info.IsDir() {
			files = append(files, arg)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && slices.Contains(source.PictureExtensions, strings.ToLower(filepath.Ext(path))) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(files) == before {
			return nil, fmt.Errorf("%s has no pictures (%s)", arg, strings.Join(source.PictureExtensions, " "))
		}
	}
	return files, nil
}

// pictureList returns a reader of a list of names. A picture, or zero bytes, are an error.
func pictureList(r io.Reader) (*bufio.Reader, error) {
	list := bufio.NewReader(r)
	start, err := list.Peek(512)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("the list on standard input: %w", err)
	}
	switch kind := http.DetectContentType(start); {
	case strings.HasPrefix(kind, "image/") || bytes.HasPrefix(start, []byte("II*\x00")) || bytes.HasPrefix(start, []byte("MM\x00*")):
		return nil, &ListError{"standard input holds a picture: - reads a list of pictures' names, one a line; give the picture's file", nil}
	case bytes.IndexByte(start, 0) >= 0:
		if list, err = plaintext.NewReader(list); err == nil && !bytes.HasPrefix(start, []byte("\xff\xfe")) && !bytes.HasPrefix(start, []byte("\xfe\xff")) {
			err = errors.New("it holds bytes that are zero, which no name has: give one name a line, without -print0")
		}
		if err != nil {
			return nil, &ListError{"the list on standard input: " + err.Error(), err}
		}
		return list, nil
	}
	return plaintext.NewReader(list)
}
