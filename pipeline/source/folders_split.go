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
// none. A root has splits if it holds a folder train, and folders other than
// train, val, valid, validation and test it has none.
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
// wanted and the classes of train, so that labels agree even where val lacks a
// class. Another root and opts come back as they are.
func chooseSplit(root string, opts Options) (string, Options, bool, error) {
	train, val := splitFolders(root)
	if train == "" {
		return root, opts, false, nil
	}
	split, err := opts.split()
	if err != nil || split == "train" {
		return train, opts, val != "", err
	}
	if val == "" {
		if opts.ValFraction > 0 {
			return train, opts, false, nil
		}
		return "", opts, false, fmt.Errorf("%s: holds train but no val folder: add one, or divide train by a validation fraction", root)
	}
	ids, _, err := classFolders(train)
	if err != nil {
		return "", opts, false, err
	}
	valIDs, _, err := classFolders(val)
	if err != nil {
		return "", opts, false, err
	}
	for _, id := range valIDs {
		if !slices.Contains(ids, id) {
			return "", opts, false, fmt.Errorf("%s: class %s isn't in %s, which has %s: both need the same classes",
				val, id, train, abbreviate(ids, 5))
		}
	}
	if len(opts.Classes) == 0 {
		for _, id := range ids {
			opts.Classes = append(opts.Classes, Class{ID: id})
		}
	}
	return val, opts, true, nil
}
