package source

import (
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// A tar of class folders is the form of many public sets: imagenette2.tgz holds
// imagenette2/train/<class>/<picture> and imagenette2/val.

// tarTree is the tree of a tar's files.
type tarTree struct {
	archive string
	root    string // the folder around all others, "" if there is none
	folders map[string][]entry
	where   map[string]extent
}

func (t *tarTree) show(p string) string {
	if p = path.Join(t.root, p); p != "" {
		return show(t.archive) + ": " + show(p)
	}
	return show(t.archive)
}

func (t *tarTree) list(dir string, _ follow) ([]entry, error) {
	return t.folders[path.Join(t.root, dir)], nil
}

// add adds a file and the folders around it.
func (t *tarTree) add(name string, at extent) error {
	if _, ok := t.where[name]; ok {
		return fmt.Errorf("%s: holds %s twice: make the tar again with one of the two", show(t.archive), show(name))
	}
	t.where[name] = at
	for folder := false; name != ""; folder = true {
		dir, base := path.Split(name)
		dir = strings.TrimSuffix(dir, "/")
		_, known := t.folders[dir]
		t.folders[dir] = append(t.folders[dir], entry{name: base, folder: folder})
		if known {
			break
		}
		name = dir
	}
	return nil
}

// unwrap makes the innermost of the folders that hold only one folder the root, unless it
// is a class.
func (t *tarTree) unwrap() {
	for {
		ids, files, _ := classFolders(t, "")
		if len(ids) != 1 || splitOfFolder(ids[0]) != "" || slices.ContainsFunc(files, likePicture) {
			return
		}
		below, files, _ := classFolders(t, ids[0])
		if len(below) == 0 || slices.ContainsFunc(files, likePicture) || len(below) == 1 && pictureFolder(below[0]) {
			return
		}
		t.root = path.Join(t.root, ids[0])
	}
}

// openFoldersTar lists the class folders in a tar.
func openFoldersTar(ctx context.Context, p string, opts Options) (_ Source, err error) {
	s, err := newTars(ctx, "folders", p, []string{p}, &opts)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	t := &tarTree{archive: p, folders: map[string][]entry{}, where: map[string]extent{}}
	err = s.each(ctx, 0, func(m member) error {
		return t.add(m.name, extent{0, m.offset, m.size})
	})
	if err != nil {
		return nil, err
	}
	t.unwrap()
	found, err := readClassTree(ctx, t, opts, &s.notes)
	if err != nil {
		return nil, err
	}
	s.classes, s.splits = found.classes, found.splits
	for _, it := range found.items {
		s.add(it.Name, it.Label, t.where[path.Join(t.root, found.base, it.Name)])
	}
	if err := s.sort(); err != nil {
		return nil, err
	}
	s.notes.tell(&opts)
	return s, nil
}

// Possible contents of a tar.
const (
	holdsClasses = "class folders"
	holdsSamples = "samples"
)

// tarHolds returns the contents of a tar: samples, if a picture and a label have the same
// name; class folders, if pictures are in folders without labels; else "".
func tarHolds(p string) (string, error) {
	const (
		picture = 1 << iota
		label
		enough   = 100
		tooMany  = 100000 // files without any picture
		together = picture | label
	)
	stems := map[string]int{}
	holds, count := "", 0
	err := firstMembers(p, func(name string) bool {
		count++
		stem := strings.TrimSuffix(name, path.Ext(name))
		switch ext := strings.ToLower(path.Ext(name)); {
		case likePicture(name):
			stems[stem] |= picture
			if strings.Contains(name, "/") && holds == "" {
				holds = holdsClasses
			}
		case ext == ".cls" || ext == ".json":
			stems[stem] |= label
		}
		if stems[stem] == together || path.Ext(name) == ".cls" {
			holds = holdsSamples
		}
		return holds == holdsSamples || count >= enough && len(stems) > 0 || count >= tooMany
	})
	return holds, err
}

func detectFolders(p string) (string, error) {
	info, err := os.Stat(p)
	switch {
	case err != nil:
		return "", nil
	case info.IsDir():
		return describeClassTree(diskTree{p})
	case !info.Mode().IsRegular() || !tarName(p):
		return "", nil
	}
	if holds, err := tarHolds(p); err != nil || holds != holdsClasses {
		return "", err
	}
	return "is a tar of class folders", nil
}
