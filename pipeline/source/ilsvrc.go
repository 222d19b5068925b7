package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The archives of ILSVRC 2012 as they are downloaded, and their MD5 sums.
const (
	trainArchive = "ILSVRC2012_img_train.tar"
	valArchive   = "ILSVRC2012_img_val.tar"
	trainMD5     = "1d675b47d978889d74fa0da5fadfb00e"
	valMD5       = "29b22e2961454d5413ddabcf34fc5622"
)

var (
	classTar = regexp.MustCompile(`^(?:.*/)?(n\d{8})\.tar$`)
	// valPicture matches a validation picture: its number and, in some copies,
	// its class.
	valPicture = regexp.MustCompile(`^(?:.*/)?ILSVRC2012_val_(\d{8})(?:_(n\d{8}))?\.(?i:jpe?g|png)$`)
	// testPicture matches a picture whose label was never published.
	testPicture = regexp.MustCompile(`^(?:.*/)?ILSVRC2012_test_\d{8}\.`)
)

// detectILSVRC recognises the archives by what is in them, wherever they lie,
// and folders by the archives' names.
func detectILSVRC(p string) (string, error) {
	info, err := os.Stat(p)
	if err != nil {
		return "", nil
	}
	if info.IsDir() {
		var found []string
		for _, name := range []string{trainArchive, valArchive} {
			if _, err := os.Stat(filepath.Join(p, name)); err == nil {
				found = append(found, name)
			}
		}
		if len(found) > 0 {
			return "holds " + strings.Join(found, " and "), nil
		}
		if tars, err := classTars(p); err == nil && len(tars) > 0 {
			return fmt.Sprintf("holds %d tars named by class, such as %s", len(tars), filepath.Base(tars[0])), nil
		}
		return "", nil
	}
	if !strings.EqualFold(filepath.Ext(p), ".tar") {
		return "", nil
	}
	names, err := firstMembers(p, 1)
	if err != nil || len(names) == 0 {
		return "", err
	}
	switch ilsvrcSplit(names[0]) {
	case "train":
		return "is a tar of one tar for each class, starting with " + names[0], nil
	case "val":
		return "is a tar of validation pictures, starting with " + names[0], nil
	case "test":
		return "", fmt.Errorf("%s: holds the test pictures (%s), whose labels were never published: give the training or validation archive", p, names[0])
	}
	return "", nil
}

// ilsvrcSplit tells from the name of a member what its archive holds.
func ilsvrcSplit(member string) string {
	switch {
	case classTar.MatchString(member):
		return "train"
	case valPicture.MatchString(member):
		return "val"
	case testPicture.MatchString(member):
		return "test"
	}
	return ""
}

// classTars returns the sorted paths of the files n########.tar in dir: the
// training archive unpacked once.
func classTars(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(escapeGlob(dir), "n*.tar"))
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(f string) bool { return !classTar.MatchString(filepath.ToSlash(f)) })
	slices.Sort(files)
	return files, nil
}

// escapeGlob returns the pattern that matches only the path p.
func escapeGlob(p string) string {
	if filepath.Separator == '\\' {
		return p // there is no way to escape on such systems
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(p)
}

// openILSVRC opens the archive at p, or the one for opts.Split in the folder p,
// without unpacking it. One pass reads the headers and skips the payloads; the
// index takes about 90 bytes a picture, 115 MB for the training set.
//
// A training picture is named <wnid>/<file>, as in class folders; a validation
// picture by its member name.
func openILSVRC(ctx context.Context, p string, opts Options) (Source, error) {
	split, err := opts.split()
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(p)
	if err != nil {
		return nil, err
	}
	s := &tars{listing: listing[extent]{layout: "ilsvrc", path: p, splits: true}}
	archive, dir, perClass := p, filepath.Dir(p), false
	if info.IsDir() {
		dir = p
		archive = filepath.Join(p, map[string]string{"train": trainArchive, "val": valArchive}[split])
		if _, err := os.Stat(archive); err != nil {
			s.files, err = classTars(p)
			perClass = true
			if split == "val" || err != nil || len(s.files) == 0 {
				return nil, fmt.Errorf("%s: holds no %s: copy it there, or choose the other split", p, filepath.Base(archive))
			}
		}
	}
	kit, err := findDevkit(opts.Devkit, dir)
	if err != nil && !errors.Is(err, errNoDevkit) {
		return nil, err
	}
	if !perClass {
		s.files = []string{archive}
		first, err := firstMembers(archive, 1)
		if err != nil {
			return nil, err
		}
		if len(first) == 0 {
			return nil, fmt.Errorf("%s: the tar is empty: fetch it again", archive)
		}
		if holds := ilsvrcSplit(first[0]); holds != split {
			return nil, wrongArchive(archive, first[0], holds, split)
		}
	}
	if split == "val" {
		err = s.indexVal(ctx, kit, opts.Classes)
	} else {
		err = s.indexTrain(ctx, perClass, kit, opts.Classes)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// wrongArchive says what is wrong with an archive whose first member doesn't
// belong to the wanted split.
func wrongArchive(archive, first, holds, split string) error {
	switch holds {
	case "train", "val":
		return fmt.Errorf("%s: holds the %s split (%s), but %s is asked for: choose the other split or the other archive", archive, holds, first, split)
	case "test":
		return fmt.Errorf("%s: holds the test pictures, whose labels were never published", archive)
	}
	return fmt.Errorf("%s: its first member %s is neither a class's tar (n01440764.tar) nor a validation picture: not an ILSVRC 2012 archive", archive, first)
}
