package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// tree is a folder on the disk, or a tar, with class folders. Its paths are relative,
// with slashes, and written as EncodeName does; "" is its root.
type tree interface {
	// list returns the entries of a folder, sorted by name.
	list(dir string, links follow) ([]entry, error)
	// show is a path in messages.
	show(p string) string
}

// follow says how links are treated.
type follow int

const (
	asFiles   follow = iota // as files: opening a link that isn't to a picture fails and names it
	asTargets               // as folders, if they lead to one
	asClasses               // the same, and a broken link is an error: without its class, later labels would shift
)

// entry is one name in a folder.
type entry struct {
	name    string
	folder  bool
	hidden  bool // see junk; to be skipped
	outside bool // a link that leads out of the tree
}

// junk reports whether a name is hidden or belongs to an operating system.
func junk(name string) bool {
	switch strings.ToLower(name) {
	case "thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// diskTree is a folder on the disk.
type diskTree struct{ root string }

func (d diskTree) show(p string) string { return show(localPath(d.root, p)) }

func (d diskTree) list(dir string, links follow) ([]entry, error) {
	found, err := os.ReadDir(localPath(d.root, dir))
	if err != nil {
		return nil, listError(d.show(dir), cause(err))
	}
	entries := make([]entry, 0, len(found))
	for _, f := range found {
		name := EncodeName(f.Name())
		p := path.Join(dir, name)
		e := entry{name: name, folder: f.IsDir(), hidden: junk(name)}
		if f.Type()&fs.ModeSymlink != 0 && !e.hidden {
			if links != asFiles {
				e.folder, err = d.linksToFolder(p)
			}
			if err != nil && links == asClasses {
				return nil, err
			}
			e.outside = d.outside(p)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// listError says what the user can do about a folder that can't be listed.
func listError(folder string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: the folder can't be listed: %w: allow it (chmod u+rx), or run as its owner", folder, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w: check the path of the pictures", folder, err)
	}
	return fmt.Errorf("%s: the folder can't be listed: %w", folder, err)
}

// linksToFolder reports whether the link at p leads to a folder. A broken or circular
// link is an error.
func (d diskTree) linksToFolder(p string) (bool, error) {
	link := localPath(d.root, p)
	info, err := os.Stat(link)
	if err != nil {
		target, _ := os.Readlink(link)
		why := "which isn't there"
		if !errors.Is(err, fs.ErrNotExist) {
			why = "which can't be followed (" + cause(err).Error() + ")"
		}
		return false, fmt.Errorf("%s: is a link to %s, %s: mend the link or remove it", show(link), show(target), why)
	}
	if !info.IsDir() {
		return false, nil
	}
	above, err := os.Stat(d.root)
	for dir := d.root; err == nil; above, err = os.Stat(dir) {
		if os.SameFile(above, info) {
			return false, fmt.Errorf("%s: is a link to %s, a folder that holds the link itself: remove it", show(link), show(filepath.Clean(dir)))
		}
		up := filepath.Join(dir, "..")
		if absolute, err := filepath.Abs(up); err == nil {
			up = absolute
		}
		if up == dir {
			break
		}
		dir = up
	}
	return true, nil
}

// outside reports whether the link at p leads out of the tree. It reads only the link's
// text.
func (d diskTree) outside(p string) bool {
	link := localPath(d.root, p)
	target, err := os.Readlink(link)
	if err != nil {
		return false
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(link), target)
	}
	root, err := filepath.Abs(d.root)
	if err == nil {
		target, err = filepath.Abs(target)
	}
	rel, err2 := filepath.Rel(root, target)
	return err == nil && (err2 != nil || !filepath.IsLocal(rel))
}

// cause is the cause of an error, without the raw path of a *fs.PathError.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
