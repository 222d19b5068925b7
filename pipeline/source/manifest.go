package source

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"alexnet/internal/printable"
)

// manifestExtensions are the extensions of manifests.
var manifestExtensions = []string{".csv", ".tsv", ".jsonl", ".ndjson"}

func detectManifest(p string) (string, error) {
	ext := strings.ToLower(filepath.Ext(p))
	if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() && slices.Contains(manifestExtensions, ext) {
		return "is a " + ext + " file", nil
	}
	return "", nil
}

// manifest is a list of pictures in a file.
type manifest struct {
	listing[int32] // the picture's line
}

// openManifest reads the manifest at p; see readRows for its forms. Paths are relative to
// the manifest's folder or absolute; cleaned, they are the pictures' names. With a split
// column, only the rows of opts.Split are used ("training" and "validation" are accepted
// words, too), but the classes are those of all rows, so that the labels of all splits
// agree.
func openManifest(ctx context.Context, p string, opts Options) (Source, error) {
	split, err := opts.split()
	if err != nil {
		return nil, err
	}
	f, _, err := openFile(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	s := &manifest{listing[int32]{layout: "manifest", path: p}}
	labels := newLabeler(opts.Classes)
	lineOf := map[string]int32{}
	splits := map[string]bool{}
	err = readRows(p, f, func(r row) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		name, err := pictureName(r.path)
		if err != nil {
			return err
		}
		if first, ok := lineOf[name]; ok {
			return fmt.Errorf("%s is already on line %d: remove one of the two", show(name), first)
		}
		if len(lineOf) == 0 && !r.headed {
			if _, err := stat(s.file(name)); err != nil {
				return fmt.Errorf("is neither a header (path,label[,split]) nor the row of a picture: %w%s", err, backslashes(name))
			}
		}
		lineOf[name] = int32(r.line)
		label, err := labels.label(r.label)
		if err != nil {
			return err
		}
		if r.split != "" {
			s.splits = true
			in := splitName(r.split)
			splits[in] = true
			if in != split {
				return nil
			}
		} else if s.splits {
			return fmt.Errorf("names no split, unlike the lines before: write train or val")
		}
		s.add(name, label, int32(r.line))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(lineOf) == 0 {
		return nil, fmt.Errorf("%s: names no picture; expected lines of path,label[,split]", show(p))
	}
	if s.splits && !splits[split] {
		return nil, fmt.Errorf("%s: no picture of split %s; its splits are: %s", show(p), split, printable.Names(sortedKeys(splits)))
	}
	if err := s.settle(labels, split); err != nil {
		return nil, err
	}
	return s, nil
}

// settle sets the pictures' final labels. Without a class list every class needs a
// picture to train on.
func (l *listing[T]) settle(labels *labeler, split string) error {
	classes, final, err := labels.classes()
	if err != nil {
		return fmt.Errorf("%s: %w", show(l.path), err)
	}
	l.classes = classes
	for i := range l.items {
		l.items[i].Label = final[l.items[i].Label]
	}
	if split == "train" && len(labels.list) == 0 {
		if err := l.needPictures(); err != nil {
			return err
		}
	}
	return l.sort()
}

// pictureName turns a path of a manifest into the name of an item.
func pictureName(p string) (string, error) {
	if p == "" {
		return "", fmt.Errorf("the path is empty")
	}
	if strings.Contains(p, "://") {
		return "", fmt.Errorf("%s is an address; only files are read: fetch it first", show(p))
	}
	return path.Clean(filepath.ToSlash(strings.Clone(p))), nil
}

// backslashes returns a hint for the error about a missing path with backslashes.
func backslashes(name string) string {
	if filepath.Separator == '/' && strings.Contains(name, `\`) {
		return ": the path has backslashes, as Windows writes them: write slashes"
	}
	return ""
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// file returns the path of a picture.
func (s *manifest) file(name string) string {
	p := filepath.FromSlash(DecodeName(name))
	if !filepath.IsAbs(p) {
		p = filepath.Join(filepath.Dir(s.path), p)
	}
	return p
}

// Open opens a picture. Its errors name the line of the manifest and the file.
func (s *manifest) Open(it Item) (io.ReadCloser, error) {
	line, err := s.find(it)
	if err != nil {
		return nil, err
	}
	f, err := openPicture(s.file(it.Name))
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w%s", show(s.path), line, err, backslashes(it.Name))
	}
	return f, nil
}
