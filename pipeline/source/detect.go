package source

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	files "alexnet/internal/file"
	"alexnet/internal/printable"
)

// Detection is the layout that Detect has recognised, and the reason. "PATH " followed
// by Reason is a sentence.
type Detection struct {
	Layout string // a name of Layouts
	Reason string
}

// Detect finds the layout of the source at path. It looks at names, and at the first
// header of a tar. If no layout fits, the error lists the names that it looked for. If
// path holds shards, the error is a *ShardsError.
func Detect(path string) (Detection, error) {
	if err := checkShards(path); err != nil {
		return Detection{}, err
	}
	for _, l := range layouts {
		reason, err := l.detect(path)
		if err != nil {
			return Detection{}, err
		}
		if reason != "" {
			return Detection{l.name, reason}, nil
		}
	}
	found, err := describe(path)
	if err != nil {
		return Detection{}, err
	}
	var wants []string
	for _, l := range layouts {
		wants = append(wants, fmt.Sprintf("\n  %-10s  %s", l.name, l.wants))
	}
	return Detection{}, fmt.Errorf("%s: %s; no known layout, looked for:%s", show(path), found, strings.Join(wants, ""))
}

// describe says what is at a path without a known layout.
func describe(path string) (string, error) {
	info, err := stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", files.Missing(fmt.Errorf("%s: no such file or folder: check the path of the pictures", show(path)))
	case err != nil:
		return "", err
	case !info.IsDir() && likePicture(path):
		return "", fmt.Errorf("%s: is one picture: give the folder that has a folder of pictures for each class; train-alexnet predict says what is on one", show(path))
	case !info.IsDir():
		f, _, err := openFile(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		if format := compressionOf(f); format != nil {
			return "is a file of " + format.name + " whose name doesn't say that it is a tar: name it so (.tar.gz, .tar.zst, .tar.bz2) if it is one", nil
		}
		if other := insteadOfTar(f); other != "" {
			return "is no list and no tar" + other, nil
		}
		return "is a file of an unknown kind", nil
	}
	_, files, err := classFolders(diskTree{path}, "")
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "is an empty folder", nil
	}
	found := fmt.Sprintf("is a folder with %s and no folders", printable.Count(len(files), "file"))
	if whole, err := filepath.Abs(path); err == nil && slices.ContainsFunc(files, likePicture) {
		around := filepath.Dir(filepath.Clean(path))
		if around == "." || strings.HasPrefix(around, "..") {
			around = filepath.Dir(whole)
		}
		found += fmt.Sprintf(": if they are the pictures of one class, give the folder around it, %s", show(around))
	}
	return found, nil
}
