package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Options configure Open. With the zero value, Open detects the layout, takes
// only the training pictures if the source marks them, and sorts the classes.
type Options struct {
	// Layout is a name of Layouts, or "auto" or "" to have Detect find it.
	Layout string
	// Split is "train" or "val"; "" means "train". A source that holds only
	// one set, such as class folders, ignores it unless SplitFraction is given.
	Split string
	// Classes, if not empty, are the classes in label order. A Name given here takes
	// precedence over the source's own. Class folders, the ILSVRC archives and Kaggle's
	// tree leave out classes that the list doesn't name. It is an error to name a class
	// that they lack, except that class folders for validation may lack some. For
	// manifests and WebDataset the list defines the classes: a label is one of its IDs
	// or, if it is a number and no ID, an index into the list. Any other label is an
	// error.
	Classes []Class
	// Devkit is the ILSVRC2012 development kit (the tar.gz or the unpacked
	// folder); "" looks for it beside the archives.
	Devkit string
	// SplitFraction, between 0 and 1, divides a source that has no validation
	// set of its own; see Divide. 0 doesn't divide.
	SplitFraction float64
	// SplitSeed chooses one of the possible divisions.
	SplitSeed uint64
	// Spool is the folder for the temporary file with the unpacked contents of
	// compressed archives; "" means the system's folder for temporary files.
	Spool string
	// Note, if not nil, receives a sentence about each thing that Open left out, such
	// as hidden files, or assumed.
	Note func(text string)
}

// split returns the requested split, and an error for an unknown name.
func (o Options) split() (string, error) {
	switch o.Split {
	case "", "train":
		return "train", nil
	case "val":
		return "val", nil
	}
	return "", fmt.Errorf("unknown split %q: choose train or val", o.Split)
}

// layouts is the table of all layouts, in the order in which Detect tries them.
var layouts = []struct {
	name string
	// wants describes what detect looks for, for people.
	wants string
	// detect returns why path has this layout, or "" if it doesn't.
	detect func(path string) (reason string, err error)
	open   func(ctx context.Context, path string, opts Options) (Source, error)
}{
	{"kaggle", "a folder with " + kaggleData, detectKaggle, openKaggle},
	{"ilsvrc", "ILSVRC2012_img_train.tar or ILSVRC2012_img_val.tar, or their folder", detectILSVRC, openILSVRC},
	{"manifest", "a .csv, .tsv or .jsonl file of path,label[,split]", detectManifest, openManifest},
	{"webdataset", "WebDataset tars (.tar, .tar.gz, .tgz, .tar.zst, .tar.bz2): one, a folder of them, or name-{000..123}.tar", detectWebDataset, openWebDataset},
	{"folders", "a folder or a tar of class folders, or of train and val with class folders", detectFolders, openFolders},
}

// Layouts returns the names that Options.Layout takes besides "auto".
func Layouts() []string {
	names := make([]string, len(layouts))
	for i, l := range layouts {
		names[i] = l.name
	}
	return names
}

// Open opens the source at path. It lists all pictures, which can take a while: the
// ILSVRC training archive needs one read for each of its 1.28 million headers. If ctx
// is cancelled meanwhile, Open returns its error. The Source doesn't use ctx
// afterwards.
func Open(ctx context.Context, path string, opts Options) (Source, error) {
	if _, err := opts.split(); err != nil {
		return nil, err
	}
	if !(opts.SplitFraction >= 0 && opts.SplitFraction < 1) {
		return nil, fmt.Errorf("split fraction %v: choose one from 0 up to, not including, 1", opts.SplitFraction)
	}
	if err := checkClassList(opts.Classes); err != nil {
		return nil, err
	}
	name := opts.Layout
	if name == "" || name == "auto" {
		found, err := Detect(path)
		if err != nil {
			return nil, err
		}
		name = found.Layout
	}
	for _, l := range layouts {
		if l.name != name {
			continue
		}
		src, err := l.open(ctx, path, opts)
		if err != nil || opts.SplitFraction == 0 {
			return src, err
		}
		return divided(path, src, opts)
	}
	return nil, fmt.Errorf("unknown layout %q: choose auto or %s", opts.Layout, strings.Join(Layouts(), ", "))
}

// ErrOwnSplit reports a source that can't be divided, because the source itself says
// which pictures are for validation.
var ErrOwnSplit = errors.New("says itself which pictures are for validation: leave out the split fraction")

// divided returns opts.Split's part of src.
func divided(path string, src Source, opts Options) (Source, error) {
	if s, ok := src.(interface{ ownSplit() bool }); ok && s.ownSplit() {
		src.Close()
		return nil, fmt.Errorf("%s: %w", show(path), ErrOwnSplit)
	}
	train, val := Divide(src, opts.SplitFraction, opts.SplitSeed)
	if split, _ := opts.split(); split == "val" {
		return val, nil
	}
	return train, nil
}
