package source

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Class folders often come as train/<class> and val/<class> under one root. Taken
// for classes, the two would make a data set of the classes "train" and "val".

// splitFolders returns the folders of a root's two splits, "" where there is
// none. A root has splits if it holds a folder train with folders in it, and
// beside that at most test and one of val, valid and validation.
func splitFolders(root string) (train, val string) {
	ids, _, err := classFolders(root)
	if err != nil || !slices.Contains(ids, "train") {
		return "", ""
	}
	for _, id := range ids {
		switch id {
		case "train":
			train = filepath.Join(root, id)
		case "val", "valid", "validation":
			if val != "" {
				return "", ""
			}
			val = filepath.Join(root, id)
		case "test":
		default:
			return "", ""
		}
	}
	if below, _, err := classFolders(train); err != nil || len(below) == 0 {
		return "", "" // pictures of trains
	}
	return train, val
}

func detectFolders(p string) (string, error) {
	if info, err := os.Stat(p); err != nil || !info.IsDir() {
		return "", nil
	}
	if train, val := splitFolders(p); train != "" {
		if val == "" {
			return "holds class folders in train", nil
		}
		return "holds class folders in train and " + filepath.Base(val), nil
	}
	ids, _, err := classFolders(p)
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return fmt.Sprintf("holds %d class folders (%s)", len(ids), abbreviate(ids, 3)), nil
}

// chooseSplit turns a root with train and val into the folder of the split
// wanted, and says whether there are both. Another root comes back as it is.
func chooseSplit(root string, opts Options) (folder string, both bool, err error) {
	train, val := splitFolders(root)
	if train == "" {
		return root, false, nil
	}
	split, err := opts.split()
	switch {
	case err != nil:
		return "", false, err
	case split == "train" || val == "" && opts.SplitFraction > 0:
		return train, val != "", nil
	case val == "":
		return "", false, fmt.Errorf("%s: holds train but no val folder: add one, or divide train by a split fraction", root)
	case len(opts.Classes) == 0:
		err = sameClasses(train, val)
	}
	return val, true, err
}

// sameClasses refuses two splits of different classes: a label would mean one
// class in training and another in validation.
func sameClasses(train, val string) error {
	ids, _, err := classFolders(train)
	if err != nil {
		return err
	}
	valIDs, _, err := classFolders(val)
	if err != nil {
		return err
	}
	for _, id := range valIDs {
		if !slices.Contains(ids, id) {
			return fmt.Errorf("%s: class %s isn't in %s: add or remove its pictures, or give a class list without it", val, id, train)
		}
	}
	for _, id := range ids {
		if !slices.Contains(valIDs, id) {
			return fmt.Errorf("%s: lacks class %s of %s: add or remove its pictures, or give a class list without it", val, id, train)
		}
	}
	return nil
}
