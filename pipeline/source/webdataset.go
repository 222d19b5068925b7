package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"alexnet/internal/plaintext"
	"alexnet/internal/printable"
)

// A WebDataset is a set of tars. The files of a sample follow each other and share the
// path up to the first dot of the base name, the key. The part after the dot is the
// field: a picture, and the label as text in .cls or in an object in .json. Files without
// a dot are in no sample.

// pictureFields are the fields that hold a picture.
var pictureFields = []string{"jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff", "webp"}

const (
	maxLabelBytes = 1 << 10
	maxJSONBytes  = 1 << 20
)

func detectWebDataset(p string) (string, error) {
	info, err := os.Stat(p)
	switch {
	case err != nil && strings.Contains(p, "{") && strings.Contains(p, ".tar"):
		return "is a pattern of tars", nil
	case err != nil:
		return "", nil
	case info.IsDir():
		files, err := folderTars(p)
		if err != nil {
			return "", err
		}
		folders, _, err := classFolders(diskTree{p}, "")
		if err != nil || len(files) <= len(folders) { // class folders beside an archive or two
			return "", err
		}
		if holds, err := tarHolds(files[0]); err == nil && holds == holdsClasses && len(folders) == 0 {
			return "", fmt.Errorf("%s: holds tars of class folders: give one of them, such as %s", show(p), show(files[0]))
		}
		return fmt.Sprintf("holds %s, such as %s", printable.Count(len(files), "tar"), show(filepath.Base(files[0]))), nil
	case tarName(p):
		if holds, err := tarHolds(p); err != nil || holds == holdsClasses {
			return "", err
		}
		return "is a tar, and none of ILSVRC 2012", nil
	}
	return "", nil
}

// folderTars returns the sorted paths of the tars in dir.
func folderTars(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, listError(show(dir), cause(err))
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && !junk(e.Name()) && tarName(e.Name()) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

// openWebDataset opens a tar, the tars of a folder, or those of a pattern with braces
// (name-{000000..000123}.tar). If some tars of the set have "train" in their names and
// others "val", it opens those of opts.Split. A picture is named <tar>/<member>. The
// index takes about 100 bytes a picture.
func openWebDataset(ctx context.Context, p string, opts Options) (_ Source, err error) {
	split, err := opts.split()
	if err != nil {
		return nil, err
	}
	root, files, err := webDatasetTars(p)
	if err != nil {
		return nil, err
	}
	files, other, splits := tarsOfSplit(files, split)
	if len(other) > 0 {
		opts.note("passed over tars that name no split, beside those for training and validation: %d in all, such as %s", len(other), show(other[0]))
	}
	s, err := newTars(ctx, "webdataset", p, files, &opts)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	s.splits = splits
	labels := newLabeler(opts.Classes)
	for i, file := range files {
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return nil, err
		}
		if err := s.indexSamples(ctx, int32(i), EncodeName(filepath.ToSlash(rel)), labels); err != nil {
			return nil, err
		}
	}
	if len(s.items) == 0 {
		return nil, fmt.Errorf("%s: holds no sample; expected pairs such as 000000.jpg and 000000.cls", show(p))
	}
	if err := s.settle(labels, split); err != nil {
		return nil, err
	}
	s.notes.tell(&opts)
	return s, nil
}

// webDatasetTars returns the tars of p and the folder that their names are relative to.
func webDatasetTars(p string) (root string, files []string, err error) {
	if info, err := os.Stat(p); err == nil {
		if !info.IsDir() {
			return filepath.Dir(p), []string{p}, nil
		}
		files, err := folderTars(p)
		if err == nil && len(files) == 0 {
			err = fmt.Errorf("%s: holds no .tar file", show(p))
		}
		return p, files, err
	}
	files, err = expandBraces(p)
	if err != nil {
		return "", nil, err
	}
	for _, f := range files {
		if _, err := stat(f); err != nil {
			return "", nil, fmt.Errorf("%s: %w: correct the pattern or fetch the missing tar", show(p), err)
		}
	}
	literal, _, _ := strings.Cut(p, "{")
	return filepath.Dir(literal), files, nil
}

// tarsOfSplit chooses the tars of a split by their names, if they have splits in them;
// other are the tars without a split then.
func tarsOfSplit(files []string, split string) (chosen, other []string, splits bool) {
	bySplit := map[string][]string{}
	for _, f := range files {
		switch name := strings.ToLower(filepath.Base(f)); {
		case strings.Contains(name, "train"):
			bySplit["train"] = append(bySplit["train"], f)
		case strings.Contains(name, "val"):
			bySplit["val"] = append(bySplit["val"], f)
		default:
			other = append(other, f)
		}
	}
	if len(bySplit) < 2 {
		return files, nil, false
	}
	return bySplit[split], other, true
}

// sample gathers the members of one key.
type sample struct {
	key                  string
	picture, label, json *member
	dotted               []string // names that would be valid without a second dot
}

// indexSamples lists the samples of the tar s.files[file], whose name in messages is rel.
func (s *tars) indexSamples(ctx context.Context, file int32, rel string, labels *labeler) error {
	archive := s.files[file].path
	r, size, close, err := s.open(file)
	if err != nil {
		return err
	}
	defer close()
	seen := map[string]bool{}
	var current sample
	flush := func() error {
		if current.key == "" {
			return nil
		}
		if seen[current.key] {
			return fmt.Errorf("%s: the files of sample %s don't follow each other, or there are two of that key: make the tar again, sorted by name (tar --sort=name)", show(archive), show(current.key))
		}
		seen[current.key] = true
		label, err := current.complete(r)
		n := 0
		if err == nil {
			n, err = labels.label(label)
		}
		if err != nil {
			return fmt.Errorf("%s: sample %s: %w", show(archive), show(current.key), err)
		}
		s.add(rel+"/"+current.picture.name, n, extent{file, current.picture.offset, current.picture.size})
		return nil
	}
	err = eachMember(ctx, archive, r, size, &s.notes, func(m member) error {
		dir, base := path.Split(m.name)
		stem, field, found := strings.Cut(base, ".")
		if !found {
			return nil
		}
		if key := dir + stem; key != current.key {
			if err := flush(); err != nil {
				return err
			}
			current = sample{key: key}
		}
		if err := current.put(strings.ToLower(field), m); err != nil {
			return fmt.Errorf("%s: %w", show(archive), err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// put stores a member under its field. Unused fields are skipped.
func (s *sample) put(field string, m member) error {
	var place **member
	switch {
	case slices.Contains(pictureFields, field):
		place = &s.picture
	case field == "cls":
		place = &s.label
	case field == "json":
		place = &s.json
	default:
		if last := strings.TrimPrefix(path.Ext(field), "."); last == "cls" || last == "json" || slices.Contains(pictureFields, last) {
			s.dotted = append(s.dotted, m.name)
		}
		return nil
	}
	if *place != nil {
		return fmt.Errorf("sample %s has both %s and %s: leave one", show(s.key), show((*place).name), show(m.name))
	}
	*place = &m
	return nil
}

// complete returns the label of a complete sample.
func (s *sample) complete(r io.ReaderAt) (label string, err error) {
	switch {
	case s.label == nil && s.json == nil:
		err = errors.New("has no label: neither .cls nor .json")
	case s.picture == nil:
		err = fmt.Errorf("has no picture (%s)", strings.Join(pictureFields, ", "))
	default:
		return s.readLabel(r)
	}
	if len(s.dotted) > 0 {
		dir, name := path.Split(s.dotted[0])
		ext := path.Ext(name)
		better := dir + strings.ReplaceAll(strings.TrimSuffix(name, ext), ".", "_") + ext
		if s.label != nil || s.json != nil || s.picture != nil {
			better = s.key + ext // the existing extension
		}
		err = fmt.Errorf("%w, but it has %s: by WebDataset's convention a key ends at the first dot of the name and the rest is the field, "+
			"so the name may have no other dots: %s would do", err, abbreviate(s.dotted, 4), show(better))
	}
	return "", err
}

// readLabel reads .cls or, without one, the label in .json.
func (s *sample) readLabel(r io.ReaderAt) (string, error) {
	if s.label != nil {
		b, err := readMember(r, s.label, maxLabelBytes)
		if err != nil {
			return "", err
		}
		text, err := labelText(b)
		if err != nil {
			return "", fmt.Errorf("%s %w", show(s.label.name), err)
		}
		return text, nil
	}
	b, err := readMember(r, s.json, maxJSONBytes)
	if err != nil {
		return "", err
	}
	text, err := jsonLabel(bytes.TrimPrefix(b, []byte(plaintext.Mark)))
	if err != nil {
		return "", fmt.Errorf("%s %w", show(s.json.name), err)
	}
	return text, nil
}

// labelText returns a label in a text: a number or a name.
func labelText(b []byte) (string, error) {
	text := strings.TrimSpace(strings.TrimPrefix(string(b), plaintext.Mark))
	for _, r := range text {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return "", fmt.Errorf("holds no text but bytes (% x): write the label as a number in digits or as a name in UTF-8", b[:min(len(b), 8)])
		}
	}
	return text, nil
}

// readMember returns the payload of a small member.
func readMember(r io.ReaderAt, m *member, limit int64) ([]byte, error) {
	if m.size > limit {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", show(m.name), m.size, limit)
	}
	b := make([]byte, m.size)
	if n, err := r.ReadAt(b, m.offset); n < len(b) {
		return nil, fmt.Errorf("read %s: %w", show(m.name), err)
	}
	return b, nil
}
