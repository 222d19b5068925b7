package source

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"alexnet/internal/plaintext"
)

// ReadClasses reads a class list for Options.Classes, with one class a line, in label
// order. A line holds the class's ID. A name for people may follow after a tab or, in a
// line without tabs, after the first space. Empty lines and lines that start with # are
// ignored. Kaggle's LOC_synset_mapping.txt is such a list.
func ReadClasses(path string) ([]Class, error) {
	f, _, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the class list: %w", err)
	}
	defer f.Close()
	shown := show(path)
	var classes []Class
	seen := map[string]bool{}
	r, err := plaintext.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read the class list %s: %w", shown, err)
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxRow)
	n := 0
	for lines.Scan() {
		n++
		text := strings.TrimRight(lines.Text(), " \r")
		if text == "" || text[0] == '#' {
			continue
		}
		if err := checkText(text); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", shown, n, err)
		}
		id, name, found := strings.Cut(text, "\t")
		if !found {
			id, name, _ = strings.Cut(text, " ")
		}
		c := Class{ID: id, Name: strings.TrimSpace(name)}
		if c.ID == "" {
			return nil, fmt.Errorf("%s:%d: starts with a space; expected a class ID first", shown, n)
		}
		if seen[c.ID] {
			return nil, fmt.Errorf("%s:%d: class %s for the second time: remove one of the two lines", shown, n, show(c.ID))
		}
		seen[c.ID] = true
		classes = append(classes, c)
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = errRowTooLong
		}
		return nil, fmt.Errorf("%s:%d: %w", shown, n+1, err)
	}
	if len(classes) == 0 {
		return nil, fmt.Errorf("%s: names no class; expected one class ID a line", shown)
	}
	return classes, nil
}

// checkClassList refuses a list with a repeated class or one without ID.
func checkClassList(list []Class) error {
	seen := make(map[string]bool, len(list))
	for i, c := range list {
		if c.ID == "" {
			return fmt.Errorf("the class list has no ID for class %d", i)
		}
		if seen[c.ID] {
			return fmt.Errorf("the class list names %q twice", c.ID)
		}
		seen[c.ID] = true
	}
	return nil
}

// chooseClasses returns want if it isn't empty, with the source's names if the list has
// none, and otherwise have. A class in want that the source at path hasn't is an error.
func chooseClasses(path string, have, want []Class) ([]Class, error) {
	if len(want) == 0 {
		return have, nil
	}
	chosen := slices.Clone(want)
	index := labelsByID(have)
	for i, c := range chosen {
		j, ok := index[c.ID]
		if !ok {
			ids := make([]string, len(have))
			for k, h := range have {
				ids[k] = h.ID
			}
			return nil, fmt.Errorf("%s: has no class %q of the class list; it has %s", show(path), c.ID, abbreviate(ids, 5))
		}
		if c.Name == "" {
			chosen[i].Name = have[j].Name
		}
	}
	return chosen, nil
}

// labelsByID maps the ID of each class to its index.
func labelsByID(classes []Class) map[string]int {
	index := make(map[string]int, len(classes))
	for i, c := range classes {
		index[c.ID] = i
	}
	return index
}

// labeler makes classes of the labels in a manifest or a WebDataset, which are names or
// numbers.
type labeler struct {
	list  []Class        // the class list, may be empty
	index map[string]int // ID → label with a list, text → order of appearance without
	texts []string       // without a list, by order of appearance
}

func newLabeler(list []Class) *labeler {
	return &labeler{list: list, index: labelsByID(list)}
}

// label returns a number for a label. With a class list it is final; without one it is an
// index into classes' final labels.
func (l *labeler) label(text string) (int, error) {
	i, ok := l.index[text]
	switch {
	case ok:
		return i, nil
	case text == "":
		return 0, fmt.Errorf("the label is empty")
	case negative(text):
		return 0, fmt.Errorf("label %s is negative: labels count from 0; where it stands for a picture without label, leave that picture out", text)
	case len(l.list) == 0:
		text = strings.Clone(text) // a copy, so that the line doesn't stay in memory
		l.index[text] = len(l.texts)
		l.texts = append(l.texts, text)
		return len(l.texts) - 1, nil
	}
	n, ok := wholeNumber(text)
	if !ok {
		return 0, fmt.Errorf("label %q isn't in the class list: correct it or add the class", text)
	}
	if n < 0 || n >= len(l.list) {
		return 0, fmt.Errorf("label %d is neither an ID of the class list nor an index into its %d classes", n, len(l.list))
	}
	return n, nil
}

// classes returns the classes, and the final label for each number that label returned.
// Names are sorted. Numbers are used as labels without change, so they must be 0 to n−1
// without a gap: a gap is a forgotten class or a count from 1.
func (l *labeler) classes() (classes []Class, final []int, err error) {
	if len(l.list) > 0 {
		final = make([]int, len(l.list))
		for i := range final {
			final[i] = i
		}
		return l.list, final, nil
	}
	final = make([]int, len(l.texts))
	if numbers, ok := l.numbers(); ok {
		copy(final, numbers)
		slices.Sort(numbers)
		numbers = slices.Compact(numbers)
		for want, got := range numbers {
			if want != got {
				return nil, nil, fmt.Errorf("the labels are numbers from %d to %d without %d; labels count from 0 without a gap: "+
					"give a class list that names every class in order", numbers[0], numbers[len(numbers)-1], want)
			}
			classes = append(classes, Class{ID: strconv.Itoa(got)})
		}
		return classes, final, nil
	}
	sorted := slices.Sorted(slices.Values(l.texts))
	for label, text := range sorted {
		classes = append(classes, Class{ID: text})
		final[l.index[text]] = label
	}
	return classes, final, nil
}

// numbers returns the labels as numbers, if all are numbers.
func (l *labeler) numbers() ([]int, bool) {
	numbers := make([]int, len(l.texts))
	for i, text := range l.texts {
		n, ok := wholeNumber(text)
		if !ok || n < 0 {
			return nil, false
		}
		numbers[i] = n
	}
	return numbers, true
}

// negative reports whether a label is a number below 0.
func negative(text string) bool {
	n, ok := wholeNumber(text)
	return ok && n < 0
}

// wholeNumber reads a label that is a number. It also accepts forms of tools that write
// only floats (3.0, 1e3).
func wholeNumber(text string) (int, bool) {
	if n, err := strconv.Atoi(text); err == nil {
		return n, true
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v != math.Trunc(v) || math.Abs(v) > 1<<31 {
		return 0, false
	}
	return int(v), true
}
