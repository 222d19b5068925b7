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

	"alexnet/internal/printable"
)

// Class folders: every folder directly under a root is a class, and every file at any
// depth below it is a picture of the class. The root is a folder on the disk, a tar, or
// in either the folder of the requested split.

// classTree is a tree of class folders.
type classTree struct {
	base    string // the classes' folder in the tree
	splits  bool   // another folder beside base holds the other split
	classes []Class
	items   []Item // by label, then by path from base
}

// readClassTree lists the class folders of t. Classes are sorted by folder name (byte
// order), so that label i of ImageNet is its i-th wnid, the usual order. Items are sorted
// by label, then by path. In a root with folders of splits it reads opts.Split.
func readClassTree(ctx context.Context, t tree, opts Options, seen *notes) (*classTree, error) {
	base, splits, err := chooseSplit(t, opts)
	if err != nil {
		return nil, err
	}
	entries, err := seen.list(t, base, asClasses)
	if err != nil {
		return nil, err
	}
	ids, strays := sortOut(entries)
	for _, name := range strays {
		if likePicture(name) {
			seen.beside.add(path.Join(base, name))
		}
	}
	if len(ids) == 0 {
		if len(strays) > 0 {
			return nil, fmt.Errorf("%s: holds %s but no class folder; expected ROOT/<class>/<pictures>: "+
				"if this is one class, give its parent folder", t.show(base), printable.Count(len(strays), "file"))
		}
		return nil, fmt.Errorf("%s: the folder is empty; expected ROOT/<class>/<pictures>", t.show(base))
	}
	have := make([]Class, len(ids))
	for i, id := range ids {
		have[i].ID = id
	}
	absent := opts.absent(ids)
	for _, id := range absent {
		have = append(have, Class{ID: id})
	}
	s := &classTree{base: base, splits: splits}
	if s.classes, err = chooseClasses(t.show(base), have, opts.Classes); err != nil {
		return nil, err
	}
	var empty []string
	outer := outerFolders{within: map[string][]string{}}
	for label, c := range s.classes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		before := len(s.items)
		if slices.Contains(absent, c.ID) {
			empty = append(empty, c.ID)
			continue
		}
		within, err := s.listClass(t, c.ID, label, seen)
		if err != nil {
			return nil, fmt.Errorf("list class %s: %w", show(c.ID), err)
		}
		outer.add(c.ID, within)
		if len(s.items) == before {
			empty = append(empty, c.ID)
		}
	}
	if len(outer.ids) > 0 && len(opts.Classes) == 0 {
		return nil, outer.refusal(t, base, len(ids))
	}
	switch {
	case len(empty) == 0:
	case opts.lacking() && len(s.items) > 0:
		opts.note("no picture of %d of the %d classes of the class list: %s", len(empty), len(s.classes), abbreviate(empty, 5))
	default:
		return nil, &EmptyClassesError{Place: t.show(base), Classes: empty, Of: len(s.classes), Validation: opts.Split == "val"}
	}
	if err := s.countOthers(ctx, t, ids, seen); err != nil {
		return nil, err
	}
	noteSimilarIDs(s.classes, &opts)
	return s, nil
}

// countOthers counts the pictures in those of the class folders that s has not.
func (s *classTree) countOthers(ctx context.Context, t tree, folders []string, seen *notes) error {
	known := labelsByID(s.classes)
	for _, id := range folders {
		if _, ok := known[id]; ok {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		other := &classTree{base: s.base}
		_, _ = other.listClass(t, id, 0, new(notes)) // nobody needs what can't be listed
		seen.leaveOut(id, len(other.items))
	}
	return nil
}

// EmptyClassesError reports class folders without pictures. Only a validation set may
// lack pictures of some classes, and only if a class list names these classes.
type EmptyClassesError struct {
	Place      string   // the folder around them, as people read it
	Classes    []string // that hold none
	Of         int      // all classes
	Validation bool
}

func (e *EmptyClassesError) Error() string {
	text := fmt.Sprintf("%s: no picture in %d of %s (%s): add pictures, or remove the empty folders",
		e.Place, len(e.Classes), printable.Count(e.Of, "class folder"), abbreviate(e.Classes, 5))
	if e.Validation {
		text += "; a validation set may lack classes that a class list names"
	}
	return text
}

// lacking reports whether classes may be without pictures.
func (o Options) lacking() bool { return o.Split == "val" && len(o.Classes) > 0 }

// absent returns the classes of the class list that aren't among the folders, if that is
// allowed.
func (o Options) absent(folders []string) []string {
	if !o.lacking() {
		return nil
	}
	var ids []string
	for _, c := range o.Classes {
		if !slices.Contains(folders, c.ID) {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == len(o.Classes) {
		return nil // the list is of other pictures
	}
	return ids
}

// classFolders returns the names of the folders directly under dir, and of visible files
// beside them, both sorted.
func classFolders(t tree, dir string) (ids, strays []string, err error) {
	entries, err := t.list(dir, asTargets)
	if err != nil {
		return nil, nil, err
	}
	ids, strays = sortOut(entries)
	return ids, strays, nil
}

func sortOut(entries []entry) (folders, files []string) {
	for _, e := range entries {
		switch {
		case e.hidden:
		case e.folder:
			folders = append(folders, e.name)
		default:
			files = append(files, e.name)
		}
	}
	slices.Sort(folders)
	slices.Sort(files)
	return folders, files
}

// outerFolders are classes that hold only folders. Probably the inner folders are the
// classes, and the outer ones are splits or wrappers.
type outerFolders struct {
	ids    []string
	within map[string][]string
}

// add adds a class with only the folders within. A single folder for the class's pictures
// is accepted.
func (o *outerFolders) add(id string, within []string) {
	if len(within) > 1 || len(within) == 1 && !pictureFolder(within[0]) && within[0] != id {
		o.ids = append(o.ids, id)
		o.within[id] = within
	}
}

// refusal says what to give instead of base, which has this number of folders.
func (o *outerFolders) refusal(t tree, base string, folders int) error {
	last := o.ids[len(o.ids)-1]
	which := fmt.Sprintf("%d of its %d folders hold", len(o.ids), folders)
	if folders == 1 {
		which = "its only folder holds"
	}
	return fmt.Errorf("%s: %s no pictures but folders (%s): if the classes are those, such as %s, give the folder around them, %s; "+
		"if the folders are classes that are divided, give a class list that names them",
		t.show(base), which, abbreviate(o.ids, 5), abbreviate(o.within[last], 2), t.show(path.Join(base, last)))
}

// pictureFolder reports whether a folder's name is a general word for pictures.
func pictureFolder(name string) bool {
	return slices.Contains([]string{"images", "image", "imgs", "img", "pictures", "photos", "jpegimages", "jpeg", "jpg", "png", "data"}, strings.ToLower(name))
}

// listClass adds the files of a class, sorted by path. If its folder holds only folders,
// it returns their names.
func (s *classTree) listClass(t tree, id string, label int, seen *notes) (within []string, err error) {
	first := len(s.items)
	var walk func(dir, name string) error
	walk = func(dir, name string) error {
		entries, err := seen.list(t, dir, asFiles)
		if err != nil {
			return err
		}
		if name == id {
			if !slices.ContainsFunc(entries, func(e entry) bool { return !e.folder && !e.hidden }) {
				within, _ = sortOut(entries)
			}
		}
		if len(entries) == 0 && name != id && likePicture(name) {
			// A folder in a picture's place: opening it fails and names it.
			s.items = append(s.items, Item{name, label})
		}
		for _, e := range entries {
			inner := path.Join(name, e.name)
			switch {
			case e.hidden:
			case !e.folder:
				s.items = append(s.items, Item{inner, label})
			default:
				if err := walk(path.Join(dir, e.name), inner); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk(path.Join(s.base, id), id); err != nil {
		return nil, err
	}
	slices.SortFunc(s.items[first:], compareItems)
	return within, nil
}

// folders is a source of class folders on the disk.
type folders struct {
	root string
	classTree
}

// openFolders lists class folders on the disk or in a tar. Folder links are
// followed for splits and classes, not below them.
func openFolders(ctx context.Context, root string, opts Options) (Source, error) {
	info, err := stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no such folder: check the path of the pictures", show(root))
	case err != nil:
		return nil, err
	case info.Mode().IsRegular() && tarName(root):
		return openFoldersTar(ctx, root, opts)
	case !info.IsDir():
		return nil, fmt.Errorf("%s: is a file; expected a folder of class folders, ROOT/<class>/<pictures>", show(root))
	}
	var seen notes
	found, err := readClassTree(ctx, diskTree{root}, opts, &seen)
	if err != nil {
		return nil, err
	}
	s := &folders{localPath(root, found.base), *found}
	if err := s.refuseSameFolders(); err != nil {
		return nil, err
	}
	seen.tell(&opts)
	return s, nil
}

// refuseSameFolders refuses classes that are links into one another: their
// pictures would have two labels.
func (s *folders) refuseSameFolders() error {
	root, err := filepath.EvalSymlinks(s.root)
	if err != nil {
		return err
	}
	classOf := map[string]string{}
	var links []string
	for _, c := range s.classes {
		p := filepath.Join(root, DecodeName(c.ID))
		if info, err := os.Lstat(p); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			if p, err = filepath.EvalSymlinks(p); err != nil {
				return err
			}
			links = append(links, p)
		}
		if other, ok := classOf[p]; ok {
			return fmt.Errorf("%s: the classes %s and %s are one folder, %s: remove one of the two", show(s.root), show(other), show(c.ID), show(p))
		}
		classOf[p] = c.ID
	}
	for _, p := range links {
		for up := filepath.Dir(p); up != filepath.Dir(up); up = filepath.Dir(up) {
			if other, ok := classOf[up]; ok {
				return fmt.Errorf("%s: the class %s is a link to a folder of class %s, %s: remove the link", show(s.root), show(classOf[p]), show(other), show(p))
			}
		}
	}
	return nil
}

func (s *folders) Layout() string   { return "folders" }
func (s *folders) Classes() []Class { return s.classes }
func (s *folders) Items() []Item    { return s.items }
func (s *folders) Close() error     { return nil }
func (s *folders) ownSplit() bool   { return s.splits }

// Open opens a picture. Its errors name the file.
func (s *folders) Open(it Item) (io.ReadCloser, error) {
	return openPicture(localPath(s.root, it.Name))
}

// abbreviate joins the first n of names and gives the number of the others.
func abbreviate(names []string, n int) string {
	if len(names) <= n {
		return printable.Names(names)
	}
	return fmt.Sprintf("%s and %d more", printable.Names(names[:n]), len(names)-n)
}
