package source

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	regular "alexnet/internal/file"
	"alexnet/internal/plaintext"
)

// The ILSVRC2012 development kit for tasks 1 and 2, and its two files that are read.
const (
	devkitName  = "ILSVRC2012_devkit_t12"
	synsetsFile = "data/meta.mat"
	truthFile   = "data/ILSVRC2012_validation_ground_truth.txt"
	devkitMD5   = "fa75699e90414af021442c21a62c3abf"
)

// devkit holds the development kit's classes and validation labels.
type devkit struct {
	path    string
	classes []Class // the synsets without children, by wnid
	labels  []int   // of the validation pictures, in the order of their numbers from 1
}

// errNoDevkit means that no development kit was named and none was found.
var errNoDevkit = errors.New("no development kit")

// findDevkit reads the kit at given. If that is "", it looks for the kit in dir,
// downloaded or unpacked.
func findDevkit(given, dir string) (*devkit, error) {
	if given != "" {
		return readDevkit(given)
	}
	for _, name := range []string{devkitName + ".tar.gz", devkitName} {
		p := filepath.Join(dir, name)
		if _, err := os.Stat(p); err == nil {
			return readDevkit(p)
		}
	}
	return nil, errNoDevkit
}

// readDevkit reads the kit from its tar.gz or from a folder.
func readDevkit(p string) (*devkit, error) {
	info, err := stat(p)
	if err != nil {
		return nil, fmt.Errorf("read the development kit: %w", err)
	}
	read := readDevkitArchive
	if info.IsDir() {
		read = readDevkitFolder
	}
	synsets, truth, err := read(p)
	if err != nil {
		return nil, err
	}
	k := &devkit{path: p}
	byID, err := k.parseSynsets(bytes.NewReader(synsets))
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", show(p), synsetsFile, err)
	}
	if k.labels, err = parseTruth(bytes.NewReader(truth), byID); err != nil {
		return nil, fmt.Errorf("%s: %s%w", show(p), truthFile, err)
	}
	return k, nil
}

func readDevkitFolder(p string) (synsets, truth []byte, err error) {
	read := func(name string) ([]byte, error) {
		b, err := regular.ReadAll(filepath.Join(p, filepath.FromSlash(name)), matMaxBytes)
		if errors.Is(err, fs.ErrNotExist) {
			b, err = regular.ReadAll(filepath.Join(p, path.Base(name)), matMaxBytes)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: holds no %s: give %s.tar.gz as downloaded or its unpacked folder", show(p), show(name), devkitName)
		}
		return b, err
	}
	if synsets, err = read(synsetsFile); err != nil {
		return nil, nil, err
	}
	truth, err = read(truthFile)
	return synsets, truth, err
}

func readDevkitArchive(p string) (synsets, truth []byte, err error) {
	f, _, err := openFile(p)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w: give %s.tar.gz as downloaded (MD5 %s) or its unpacked folder", show(p), err, devkitName, devkitMD5)
	}
	archive := tar.NewReader(z)
	for synsets == nil || truth == nil {
		h, err := archive.Next()
		if err == io.EOF {
			missing := synsetsFile
			if synsets != nil {
				missing = truthFile
			}
			return nil, nil, fmt.Errorf("%s: holds no %s: give %s.tar.gz of tasks 1 and 2 (MD5 %s)", show(p), missing, devkitName, devkitMD5)
		}
		var b []byte
		if err == nil && (strings.HasSuffix(h.Name, synsetsFile) || strings.HasSuffix(h.Name, truthFile)) {
			b, err = io.ReadAll(io.LimitReader(archive, matMaxBytes))
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w: the copy is damaged or cut short, fetch it again (MD5 %s)", show(p), err, devkitMD5)
		}
		if strings.HasSuffix(h.Name, synsetsFile) {
			synsets = b
		} else if strings.HasSuffix(h.Name, truthFile) {
			truth = b
		}
	}
	return synsets, truth, nil
}

// parseSynsets sets the classes from meta.mat and returns the labels by the kit's own
// ids, whose order differs from the wnids'. Synsets with children are groups of classes,
// not labels.
func (k *devkit) parseSynsets(r io.Reader) (byID map[int]int, err error) {
	vars, err := readMAT(r)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(vars, func(v *matArray) bool { return v.name == "synsets" })
	if i < 0 {
		return nil, errors.New("holds no variable synsets")
	}
	ids := map[string]int{} // by wnid
	owner := map[int]string{}
	for n, s := range vars[i].structs {
		id, err1 := matInt(s, "ILSVRC2012_ID")
		children, err2 := matInt(s, "num_children")
		wnid, err3 := matText(s, "WNID")
		words, err4 := matText(s, "words")
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			return nil, fmt.Errorf("synset %d: %w", n+1, err)
		}
		if children > 0 {
			continue
		}
		if _, ok := ids[wnid]; ok {
			return nil, fmt.Errorf("synset %s occurs twice", show(wnid))
		}
		if other, ok := owner[id]; ok {
			return nil, fmt.Errorf("synsets %s and %s share the id %d", show(other), show(wnid), id)
		}
		ids[wnid], owner[id] = id, wnid
		k.classes = append(k.classes, Class{ID: wnid, Name: words})
	}
	if len(k.classes) == 0 {
		return nil, errors.New("synsets: none without children")
	}
	slices.SortFunc(k.classes, func(a, b Class) int { return cmp.Compare(a.ID, b.ID) })
	byID = make(map[int]int, len(ids))
	for label, c := range k.classes {
		byID[ids[c.ID]] = label
	}
	return byID, nil
}

// matInt returns a whole number of a struct.
func matInt(s map[string]*matArray, field string) (int, error) {
	v := s[field]
	if v == nil || len(v.numbers) != 1 || v.numbers[0] != float64(int(v.numbers[0])) {
		return 0, fmt.Errorf("no whole number %s", field)
	}
	return int(v.numbers[0]), nil
}

// matText returns a text of a struct.
func matText(s map[string]*matArray, field string) (string, error) {
	v := s[field]
	if v == nil || v.text == "" {
		return "", fmt.Errorf("no text %s", field)
	}
	return v.text, nil
}

// parseTruth reads one id a line and returns the labels. Its errors start with
// the number of the line.
func parseTruth(r io.Reader, byID map[int]int) (labels []int, err error) {
	text, err := plaintext.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf(": %w", err)
	}
	lines := bufio.NewScanner(text)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		id, err := strconv.Atoi(text)
		label, ok := byID[id]
		if err != nil || !ok {
			return nil, fmt.Errorf(":%d: %q is no id of a class in %s: both files must come from one kit (MD5 %s)", n, text, synsetsFile, devkitMD5)
		}
		labels = append(labels, label)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf(": %w", err)
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf(": holds no label")
	}
	return labels, nil
}
