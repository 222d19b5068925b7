package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"alexnet/internal/printable"
)

// The archives of ILSVRC 2012 as they are downloaded, and their MD5 sums.
const (
	trainArchive = "ILSVRC2012_img_train.tar"
	valArchive   = "ILSVRC2012_img_val.tar"
	trainMD5     = "1d675b47d978889d74fa0da5fadfb00e"
	valMD5       = "29b22e2961454d5413ddabcf34fc5622"
)

var (
	classID  = regexp.MustCompile(`^n\d{8}$`)
	classTar = regexp.MustCompile(`^(?:.*/)?(n\d{8})(?:\.tar|\.tgz|\.tar\.(?:gz|zst|bz2))$`)
	// valPicture matches a validation picture: its number and, in some copies,
	// its class.
	valPicture = regexp.MustCompile(`^(?:.*/)?ILSVRC2012_val_(\d{8})(?:_(n\d{8}))?\.(?i:jpe?g|png)$`)
	// flatPicture matches a training picture of Hugging Face's copy, whose tars don't hold
	// tars: its name, its class, its class once more.
	flatPicture = regexp.MustCompile(`^(?:.*/)?((n\d{8})_\d+)_(n\d{8})(\.(?i:jpe?g|png))$`)
	// testPicture matches a picture whose label was never published.
	testPicture = regexp.MustCompile(`^(?:.*/)?ILSVRC2012_test_\d{8}\.`)
)

// detectILSVRC recognises the archives by their contents, in any place, and folders by
// the archives' names.
func detectILSVRC(p string) (string, error) {
	info, err := os.Stat(p)
	if err != nil {
		return "", nil
	}
	if info.IsDir() {
		var found []string
		for _, name := range []string{trainArchive, valArchive} {
			if archive := findArchive(p, name); archive != "" {
				found = append(found, filepath.Base(archive))
			}
		}
		if len(found) > 0 {
			return "holds " + strings.Join(found, " and "), nil
		}
		if train, val := hubTars(p, "train"), hubTars(p, "val"); len(train)+len(val) > 0 {
			first := append(train, val...)[0]
			return fmt.Sprintf("holds %d tars of training and %d of validation pictures, such as %s", len(train), len(val), show(filepath.Base(first))), nil
		}
		if tars, err := classTars(p); err == nil && len(tars) > 0 {
			return fmt.Sprintf("holds %s named by class, such as %s", printable.Count(len(tars), "tar"), filepath.Base(tars[0])), nil
		}
		return "", nil
	}
	if !tarName(p) {
		return "", nil
	}
	first, err := firstMember(p)
	if err != nil {
		return "", err
	}
	switch ilsvrcSplit(first) {
	case "train":
		if flatPicture.MatchString(first) {
			return "is a tar of training pictures, starting with " + show(first), nil
		}
		return "is a tar of one tar for each class, starting with " + show(first), nil
	case "val":
		return "is a tar of validation pictures, starting with " + show(first), nil
	case "test":
		return "", fmt.Errorf("%s: holds the test pictures (%s), whose labels were never published: give the training or validation archive", show(p), show(first))
	}
	return "", nil
}

// ilsvrcSplit returns the split of an archive from a member's name. Pictures in class
// folders aren't from ILSVRC's archives, even with ILSVRC's names: Imagenette keeps these
// names, and trains on pictures of ILSVRC's validation set.
func ilsvrcSplit(member string) string {
	switch {
	case likePicture(member) && inClassFolder(member):
		return ""
	case classTar.MatchString(member), flatPicture.MatchString(member):
		return "train"
	case valPicture.MatchString(member):
		return "val"
	case testPicture.MatchString(member):
		return "test"
	}
	return ""
}

// inClassFolder reports whether a file is directly in a folder named like a class of
// ImageNet (n01440764), or in a class folder of a split (train/tench).
func inClassFolder(member string) bool {
	dir := path.Dir(member)
	return classID.MatchString(path.Base(dir)) || splitOfFolder(path.Base(path.Dir(dir))) != ""
}

// classTars returns the sorted paths of the files n########.tar in dir, compressed or
// not. The unpacked training archive has these files.
func classTars(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(escapeGlob(dir), "n*.t*"))
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
		return p // such systems can't escape
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
	info, err := stat(p)
	if err != nil {
		return nil, err
	}
	archives, dir, perClass := []string{p}, filepath.Dir(p), false
	if info.IsDir() {
		dir = p
		name := map[string]string{"train": trainArchive, "val": valArchive}[split]
		if found := findArchive(p, name); found != "" {
			archives[0] = found
		} else if hub := hubTars(p, split); len(hub) > 0 {
			archives = hub
		} else {
			archives, err = classTars(p)
			perClass = true
			if split == "val" || err != nil || len(archives) == 0 {
				return nil, fmt.Errorf("%s: holds no %s: copy it there, or choose the other split", show(p), show(name))
			}
		}
	}
	kit, err := findDevkit(opts.Devkit, dir)
	if err != nil && !errors.Is(err, errNoDevkit) {
		return nil, err
	}
	flat := false
	if !perClass {
		first, err := firstMember(archives[0])
		if err != nil {
			return nil, err
		}
		if first == "" {
			return nil, fmt.Errorf("%s: the tar is empty: fetch it again", show(archives[0]))
		}
		if holds := ilsvrcSplit(first); holds != split {
			return nil, wrongArchive(show(archives[0]), show(first), holds, split)
		}
		flat = flatPicture.MatchString(first)
	}
	s, err := newTars(ctx, "ilsvrc", p, archives, &opts)
	if err != nil {
		return nil, err
	}
	s.splits = true
	switch {
	case split == "val":
		err = s.indexVal(ctx, kit, opts.Classes)
	case flat:
		err = s.indexFlat(ctx, kit, opts.Classes)
	default:
		err = s.indexTrain(ctx, perClass, kit, opts.Classes)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	s.notes.tell(&opts)
	return s, nil
}

// hubTars returns the sorted paths of a split's tars in dir as Hugging Face's copy
// names them: train_images_0.tar.gz to 4, val_images.tar.gz.
func hubTars(dir, split string) []string {
	files, _ := folderTars(dir)
	return slices.DeleteFunc(files, func(f string) bool {
		return !strings.HasPrefix(filepath.Base(f), split+"_images")
	})
}

// findArchive returns the path of an archive in dir, compressed or not, or "".
func findArchive(dir, name string) string {
	for _, end := range tarNames {
		p := filepath.Join(dir, strings.TrimSuffix(name, ".tar")+end)
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return ""
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
