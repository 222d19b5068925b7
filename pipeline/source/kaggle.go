package source

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"alexnet/internal/plaintext"
)

// Kaggle's copy of ILSVRC 2012 (competition "imagenet-object-localization-challenge"),
// unpacked: the folder of the pictures, and beside ILSVRC the names of the classes and
// the labels of the validation pictures.
const (
	kaggleData     = "ILSVRC/Data/CLS-LOC"
	kaggleNames    = "LOC_synset_mapping.txt"
	kaggleSolution = "LOC_val_solution.csv"
)

// kaggleRoot returns the folder that holds ILSVRC/Data/CLS-LOC if p is that
// folder or one of the three on the way down, else "".
func kaggleRoot(p string) string {
	if info, err := os.Stat(p); err != nil || !info.IsDir() {
		return ""
	}
	root, err := filepath.Abs(p)
	if err != nil {
		return ""
	}
	below := ""
	for range 4 {
		info, err := os.Stat(filepath.Join(root, filepath.FromSlash(kaggleData)))
		if err == nil && info.IsDir() && strings.HasPrefix(kaggleData+"/", below) {
			return root
		}
		below = filepath.Base(root) + "/" + below
		root = filepath.Dir(root)
	}
	return ""
}

func detectKaggle(p string) (string, error) {
	if root := kaggleRoot(p); root != "" {
		return "is Kaggle's CLS-LOC tree, " + filepath.Join(root, filepath.FromSlash(kaggleData)), nil
	}
	return "", nil
}

// kaggle is the source of Kaggle's files.
type kaggle struct {
	listing[struct{}]
	base string // the folder that names are relative to
}

// openKaggle opens opts.Split of the tree at or around p. A training picture is named
// <wnid>/<file>, as in class folders, and a validation picture by its file.
func openKaggle(ctx context.Context, p string, opts Options) (Source, error) {
	split, err := opts.split()
	if err != nil {
		return nil, err
	}
	root := kaggleRoot(p)
	if root == "" {
		return nil, fmt.Errorf("%s: holds no %s: give the folder into which Kaggle's archive was unpacked", show(p), kaggleData)
	}
	base := filepath.Join(root, filepath.FromSlash(kaggleData), split)
	if _, err := os.Stat(base); err != nil {
		return nil, fmt.Errorf("%s: no such folder: unpack Kaggle's archive again, whole", show(base))
	}
	s := &kaggle{listing[struct{}]{layout: "kaggle", path: base, splits: true}, base}
	have, err := kaggleClasses(root)
	if err != nil {
		return nil, err
	}
	if s.classes, err = chooseClasses(root, have, opts.Classes); err != nil {
		return nil, err
	}
	var seen notes
	if split == "train" {
		err = s.listTrain(ctx, have, &seen)
	} else {
		err = s.listVal(ctx, filepath.Join(root, kaggleSolution), have, &seen)
	}
	if err != nil {
		return nil, err
	}
	if err := s.needPictures(); err != nil {
		return nil, err
	}
	if err := s.sort(); err != nil {
		return nil, err
	}
	seen.tell(&opts)
	return s, nil
}

// kaggleClasses returns the classes by wnid, with their names.
func kaggleClasses(root string) ([]Class, error) {
	classes, err := ReadClasses(filepath.Join(root, kaggleNames))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: holds no %s, which names the classes: copy it from Kaggle's download", show(root), kaggleNames)
	}
	slices.SortFunc(classes, func(a, b Class) int { return strings.Compare(a.ID, b.ID) })
	return classes, err
}

// listTrain lists the class folders.
func (s *kaggle) listTrain(ctx context.Context, have []Class, seen *notes) error {
	t := diskTree{s.base}
	folders, _, err := classFolders(t, "")
	if err != nil {
		return err
	}
	known, chosen := labelsByID(have), labelsByID(s.classes)
	if err := (&classTree{classes: s.classes}).countOthers(ctx, t, folders, seen); err != nil {
		return err
	}
	for _, id := range folders {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, ok := known[id]; !ok {
			return fmt.Errorf("%s: class folder %s isn't in %s: remove the folder or use the list of the same download", show(s.base), show(id), kaggleNames)
		}
		label, ok := chosen[id]
		if !ok {
			continue
		}
		found := &classTree{}
		if _, err := found.listClass(t, id, label, seen); err != nil {
			return fmt.Errorf("list class %s: %w", show(id), err)
		}
		for _, it := range found.items {
			s.add(it.Name, label, struct{}{})
		}
	}
	return nil
}

// listVal lists the validation pictures, which are all in one folder, and labels them
// from the solution file. Both must name the same pictures.
func (s *kaggle) listVal(ctx context.Context, solution string, have []Class, seen *notes) error {
	labels, err := readSolution(solution, labelsByID(have))
	if err != nil {
		return err
	}
	found := &classTree{}
	if _, err := found.listClass(diskTree{s.base}, "", 0, seen); err != nil {
		return fmt.Errorf("list the validation pictures: %w", err)
	}
	chosen := labelsByID(s.classes)
	for _, it := range found.items {
		name := it.Name
		if err := ctx.Err(); err != nil {
			return err
		}
		id := strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
		if m := valPicture.FindStringSubmatch(name); m != nil {
			id = "ILSVRC2012_val_" + m[1] // without the class that some copies add
		}
		label, ok := labels[id]
		if !ok {
			return fmt.Errorf("%s: %s has no line in %s, or is there twice: remove the file or take both from one download", show(s.base), show(name), show(solution))
		}
		delete(labels, id)
		class := have[label].ID
		if label, ok := chosen[class]; ok {
			s.add(name, label, struct{}{})
		} else {
			seen.leaveOut(class, 1)
		}
	}
	if len(labels) > 0 {
		var missing []string
		for id := range labels {
			missing = append(missing, id)
		}
		slices.Sort(missing)
		return fmt.Errorf("%s: lacks %d of the pictures that %s names (%s): unpack Kaggle's archive again", show(s.base), len(missing), show(solution), abbreviate(missing, 3))
	}
	return nil
}

// readSolution reads Kaggle's LOC_val_solution.csv: ImageId and PredictionString,
// one or several boxes of "wnid x1 y1 x2 y2", all of one class. It returns the
// label of each picture.
func readSolution(file string, classes map[string]int) (map[string]int, error) {
	f, _, err := openFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: not found; it holds the labels of the validation pictures: copy it from Kaggle's download", show(file))
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	labels, err := parseSolution(f, classes)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", show(file), err)
	}
	return labels, nil
}

// parseSolution's errors start with the number of the line.
func parseSolution(r io.Reader, classes map[string]int) (map[string]int, error) {
	text, err := plaintext.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf(" %w", err)
	}
	limit := &rowLimit{r: text}
	rows := csv.NewReader(limit)
	rows.FieldsPerRecord = 2
	labels := map[string]int{}
	for {
		limit.reset()
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
			return nil, fmt.Errorf("%d: %w; expected ImageId,PredictionString", bad.Line, bad.Err)
		}
		if err != nil {
			return nil, fmt.Errorf(" %w", err)
		}
		line, _ := rows.FieldPos(0)
		if err := checkText(row...); err != nil {
			return nil, fmt.Errorf("%d: %w", line, err)
		}
		if line == 1 && row[0] == "ImageId" {
			continue
		}
		id, boxes, _ := strings.Cut(strings.TrimSpace(row[1]), " ")
		label, ok := classes[id]
		if !ok {
			return nil, fmt.Errorf("%d: class %q isn't in %s", line, id, kaggleNames)
		}
		for i, word := range strings.Fields(boxes) {
			if i%5 == 4 && word != id {
				return nil, fmt.Errorf("%d: %s is labelled both %s and %s", line, show(row[0]), show(id), show(word))
			}
		}
		if _, ok := labels[row[0]]; ok {
			return nil, fmt.Errorf("%d: %s for the second time", line, show(row[0]))
		}
		labels[row[0]] = label
	}
	if len(labels) == 0 {
		return nil, errors.New(" holds no label; expected lines of ImageId,PredictionString")
	}
	return labels, nil
}

// Open opens a picture. Its errors name the file.
func (s *kaggle) Open(it Item) (io.ReadCloser, error) {
	return openPicture(localPath(s.base, it.Name))
}
