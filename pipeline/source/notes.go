package source

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"alexnet/internal/printable"
)

// notes counts what Open skips or assumes. Open reports it when the source is open. The
// zero value is ready.
type notes struct {
	hidden  tally // hidden files, and files of operating systems
	beside  tally // pictures beside the class folders
	outside tally // links that lead out of the source

	// others are the classes that the class list doesn't name, with the number of their
	// pictures; that of a class may be 0 where counting would take long.
	others map[string]int
}

// leaveOut notes pictures of a class that the class list doesn't name.
func (n *notes) leaveOut(id string, pictures int) {
	if n.others == nil {
		n.others = map[string]int{}
	}
	n.others[id] += pictures
}

// tellOthers tells of the classes that were left out.
func (n *notes) tellOthers(opts *Options) {
	if len(n.others) == 0 {
		return
	}
	pictures, with := 0, ""
	for _, count := range n.others {
		pictures += count
	}
	if pictures > 0 {
		with = " with " + printable.Count(pictures, "picture")
	}
	opts.note("left out %s%s that the class list doesn't name: %s", printable.Count(len(n.others), "class"), with,
		abbreviate(slices.Sorted(maps.Keys(n.others)), 5))
}

// tally counts names and keeps the first.
type tally struct {
	n     int
	first string
}

func (t *tally) add(name string) {
	if t.n == 0 {
		t.first = strings.Clone(name)
	}
	t.n++
}

// list is t.list, and counts hidden entries and links out of the source.
func (n *notes) list(t tree, dir string, links follow) ([]entry, error) {
	entries, err := t.list(dir, links)
	for _, e := range entries {
		if e.hidden {
			n.hidden.add(path.Join(dir, e.name))
		}
		if e.outside {
			n.outside.add(path.Join(dir, e.name))
		}
	}
	return entries, err
}

// tell calls opts.Note for everything that was counted.
func (n *notes) tell(opts *Options) {
	n.tellOthers(opts)
	for _, c := range []struct {
		tally
		format string
	}{
		{n.hidden, "passed over what is hidden or left by an operating system: %d in all, such as %s"},
		{n.beside, "passed over pictures that lie beside the class folders, of no class: %d in all, such as %s"},
		{n.outside, "followed links that lead out of the source: %d in all, such as %s"},
	} {
		if c.n > 0 {
			opts.note(c.format, c.n, show(c.first))
		}
	}
}

// noteSimilarIDs notes classes whose IDs differ only in upper and lower case: some file
// systems, and perhaps the user, take them for one.
func noteSimilarIDs(classes []Class, opts *Options) {
	seen := make(map[string]string, len(classes))
	for _, c := range classes {
		folded := strings.ToLower(c.ID)
		if other, ok := seen[folded]; ok {
			opts.note("the classes %s and %s differ in upper and lower case only: if they are one, join them", show(other), show(c.ID))
		}
		seen[folded] = c.ID
	}
}

func (o *Options) note(format string, args ...any) {
	if o.Note != nil {
		o.Note(fmt.Sprintf(format, args...))
	}
}

// PictureExtensions are the file name extensions of pictures, in lower case.
var PictureExtensions = []string{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp",
	".ico", ".cur", ".pbm", ".pgm", ".ppm", ".pnm", ".pam", ".avif", ".heic", ".heif", ".jxl"}

// likePicture reports whether a name ends like a picture's.
func likePicture(name string) bool {
	return slices.Contains(PictureExtensions, strings.ToLower(path.Ext(name)))
}
