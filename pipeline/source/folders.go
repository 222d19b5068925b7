package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// folders is the layout root/<class>/…/<picture>: every folder directly under
// the root is a class, every file at any depth below it a picture of it.
type folders struct {
	root    string
	splits  bool // another folder beside root holds the other split
	classes []Class
	items   []Item
}

// openFolders lists root. Classes are sorted by folder name (byte order), so
// that label i of ImageNet is its i-th wnid, as everyone trains it; items are
// sorted by label, then by path. Folder links are followed for classes, not
// below them. A root with train and val folders means the one of opts.Split.
func openFolders(ctx context.Context, root string, opts Options) (Source, error) {
	root, splits, err := chooseSplit(root, opts)
	if err != nil {
		return nil, err
	}
	ids, strays, err := classFolders(root)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		if strays > 0 {
			return nil, fmt.Errorf("%s: holds %d files but no class folder; expected ROOT/<class>/<pictures>: "+
				"if this is one class, give its parent folder", root, strays)
		}
		return nil, fmt.Errorf("%s: the folder is empty; expected ROOT/<class>/<pictures>", root)
	}
	have := make([]Class, len(ids))
	for i, id := range ids {
		have[i].ID = id
	}
	s := &folders{root: root, splits: splits}
	if s.classes, err = chooseClasses(root, have, opts.Classes); err != nil {
		return nil, err
	}
	var empty []string
	for label, c := range s.classes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		names, err := listPictures(root, c.ID)
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			empty = append(empty, c.ID)
		}
		for _, n := range names {
			s.items = append(s.items, Item{Name: n, Label: label})
		}
	}
	if len(empty) > 0 {
		return nil, fmt.Errorf("%s: no picture in %d of %d class folders (%s): add pictures, or remove the empty folders",
			root, len(empty), len(s.classes), abbreviate(empty, 5))
	}
	return s, nil
}

// classFolders returns the sorted names of the folders directly under root and
// how many other visible files lie beside them.
func classFolders(root string) (ids []string, strays int, err error) {
	info, err := os.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, fmt.Errorf("%s: no such folder: check the path of the pictures", root)
	case err != nil:
		return nil, 0, err
	case !info.IsDir():
		return nil, 0, fmt.Errorf("%s: is a file; expected a folder of class folders, ROOT/<class>/<pictures>", root)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, 0, fmt.Errorf("list the classes: %w", err)
	}
	for _, e := range entries {
		if junk(e.Name()) {
			continue
		}
		dir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			target, err := os.Stat(filepath.Join(root, e.Name()))
			dir = err == nil && target.IsDir()
		}
		if dir {
			ids = append(ids, e.Name())
		} else {
			strays++
		}
	}
	slices.Sort(ids)
	return ids, strays, nil
}

// listPictures returns the sorted paths, relative to root, of the files under
// root/id. Whether they are pictures is found out when they are decoded.
// Anything but a folder counts as a file, dangling links too, so that it is
// reported and not silently lost.
func listPictures(root, id string) ([]string, error) {
	var names []string
	base := filepath.Join(root, id)
	if target, err := filepath.EvalSymlinks(base); err == nil {
		base = target // WalkDir doesn't follow a link, not even at the root
	}
	err := filepath.WalkDir(base, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != base && junk(e.Name()):
			if e.IsDir() {
				return fs.SkipDir
			}
		case !e.IsDir():
			rel, err := filepath.Rel(base, p)
			if err != nil {
				return err
			}
			names = append(names, path.Join(id, filepath.ToSlash(rel)))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list class %s: %w", id, err)
	}
	slices.Sort(names)
	return names, nil
}

// junk reports whether a name belongs to an operating system or is hidden, and
// so is no picture.
func junk(name string) bool {
	switch strings.ToLower(name) {
	case "thumbs.db", "desktop.ini", "__macosx", "@eadir":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// abbreviate joins the first n of names and says how many more there are.
func abbreviate(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

func (s *folders) Layout() string   { return "folders" }
func (s *folders) Classes() []Class { return s.classes }
func (s *folders) Items() []Item    { return s.items }
func (s *folders) Close() error     { return nil }
func (s *folders) ownSplit() bool   { return s.splits }

// Open opens a picture. Its errors name the file.
func (s *folders) Open(it Item) (io.ReadCloser, error) {
	return os.Open(filepath.Join(s.root, filepath.FromSlash(it.Name)))
}
