package source

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// Class folders often come as train/<class> and val/<class> under one root. Without this
// check they would become a data set of the classes "train" and "val".

// splitWords are the words for splits. Sets without labels can't be used.
var splitWords = map[string]string{
	"train": "train", "training": "train",
	"val": "val", "valid": "val", "validation": "val", "dev": "val",
	"test": "test", "testing": "test", "eval": "test", "evaluation": "test",
	"pred": "unlabelled", "prediction": "unlabelled", "unlabeled": "unlabelled", "unlabelled": "unlabelled",
}

// splitFillers may stand beside the word in a folder's name, as digits may.
var splitFillers = []string{"set", "data", "dataset", "split", "seg", "image", "images", "img", "imgs", "photos", "pictures", "folder"}

// splitName returns the usual word for a split with several names, and other words in
// lower case.
func splitName(s string) string {
	s = strings.ToLower(s)
	if known, ok := splitWords[s]; ok {
		return known
	}
	return s
}

// splitOfFolder returns the split in a folder's name ("Training", "seg_train", "val2017",
// "Test Set"), or "".
func splitOfFolder(name string) (split string) {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) })
	for _, w := range words {
		known, ok := splitWords[w]
		switch {
		case ok && split == "":
			split = known
		case !ok && slices.Contains(splitFillers, w):
		default:
			return ""
		}
	}
	return split
}

// findSplits returns the folders of a root's splits, or nil if it has none. A root has
// splits if each of its folders is named after one, and one for training, validation or
// testing holds folders. Archives often unpack to a folder inside a folder of the same
// name (seg_train/seg_train): then the inner one is used.
func findSplits(t tree, root string) (map[string]string, error) {
	entries, err := t.list(root, asClasses)
	if err != nil {
		return nil, err
	}
	ids, _ := sortOut(entries)
	splits := map[string]string{}
	labelled := false
	for _, id := range ids {
		split := splitOfFolder(id)
		if split == "" {
			return nil, nil
		}
		folder := path.Join(root, id)
		below, files, err := classFolders(t, folder)
		if err == nil && len(below) == 1 && len(files) == 0 && splitOfFolder(below[0]) == split {
			folder = path.Join(folder, below[0])
			below, _, err = classFolders(t, folder)
		}
		if err != nil {
			return nil, err
		}
		if other, ok := splits[split]; ok && len(below) > 0 && split != "unlabelled" {
			return nil, fmt.Errorf("%s: both %s and %s are folders of its %s split: give the one that you want, or join them",
				t.show(root), t.show(other), t.show(folder), split)
		}
		splits[split] = folder
		labelled = labelled || len(below) > 0 && split != "unlabelled"
	}
	if !labelled {
		return nil, nil // classes of pictures of trains
	}
	return splits, nil
}

// describeClassTree describes the class folders of t, or returns "".
func describeClassTree(t tree) (string, error) {
	splits, err := findSplits(t, "")
	if err != nil {
		return "", err
	}
	if splits != nil {
		var names []string
		for _, s := range []string{"train", "val", "test"} {
			if f, ok := splits[s]; ok && (s != "test" || len(names) == 0) {
				names = append(names, show(f))
			}
		}
		return "holds class folders in " + strings.Join(names, " and "), nil
	}
	ids, _, err := classFolders(t, "")
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return fmt.Sprintf("holds %s (%s)", printable.Count(len(ids), "class folder"), abbreviate(ids, 3)), nil
}

// chooseSplit returns the folder of the requested split in a tree with splits, and
// whether there is one for validation too. In another tree it returns the root.
func chooseSplit(t tree, opts Options) (folder string, both bool, err error) {
	split, err := opts.split()
	if err != nil {
		return "", false, err
	}
	splits, err := findSplits(t, "")
	if err != nil || splits == nil {
		return "", false, err
	}
	train, val := splits["train"], splits["val"]
	switch {
	case split == "val" && val == "" && opts.SplitFraction == 0, train == "" && opts.SplitFraction > 0:
		return "", false, noSplit(t, splits, "val", "validation", "add one, or divide train by a split fraction")
	case split == "train" && train == "":
		return "", false, noSplit(t, splits, "train", "training", "add one")
	case split == "train" || val == "":
		return train, val != "", nil
	case len(opts.Classes) == 0 && train != "":
		err = sameClasses(t, train, val)
	}
	return val, true, err
}

// noSplit is the error for a missing split. It names another that could be used.
func noSplit(t tree, splits map[string]string, split, word, todo string) error {
	var have []string
	for _, s := range sortedKeys(splits) {
		have = append(have, show(splits[s]))
	}
	for _, s := range []string{"test", "val", "train"} {
		if f, ok := splits[s]; ok && s != split && (split == "train" || s == "test") {
			todo = fmt.Sprintf("to take %s for it, give %s; or %s", show(f), t.show(f), todo)
			break
		}
	}
	return fmt.Errorf("%s: holds %s but no %s folder for %s: %s", t.show(""), strings.Join(have, " and "), split, word, todo)
}

// sameClasses refuses two splits with different classes: a label would mean one class in
// training and another in validation.
func sameClasses(t tree, train, val string) error {
	ids, _, err := classFolders(t, train)
	if err != nil {
		return err
	}
	valIDs, _, err := classFolders(t, val)
	if err != nil {
		return err
	}
	without := func(all, from []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(from, id) })
	}
	more, fewer := without(valIDs, ids), without(ids, valIDs)
	if len(more) > 0 {
		return setting.Errorf("%s: %d of its %d classes (%s) aren't in %s: add or remove their pictures, or give a list of all classes with %s",
			t.show(val), len(more), len(valIDs), abbreviate(more, 5), t.show(train), setting.Name("classes"))
	}
	if len(valIDs) > 0 && len(fewer) > 0 {
		return setting.Errorf("%s: lacks %d of the %d classes of %s (%s): add or remove their pictures, or give a list of all classes with %s",
			t.show(val), len(fewer), len(ids), t.show(train), abbreviate(fewer, 5), setting.Name("classes"))
	}
	return nil
}
