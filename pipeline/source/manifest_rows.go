package source

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"alexnet/internal/jsontext"
	"alexnet/internal/plaintext"
)

// row is one picture of a manifest.
type row struct {
	path, label, split string // split is "" without such a column
	line               int    // from 1
	headed             bool   // the columns have names
}

// The accepted names of a manifest's columns, in any case.
var (
	pathColumns  = []string{"path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img"}
	labelColumns = []string{"label", "class", "class_id", "label_id", "cls", "target", "wnid"}
	splitColumns = []string{"split", "subset", "set"}
)

// readRows calls visit for each picture of a manifest:
//
// - name.csv (RFC 4180, also with semicolons or tabs) and name.tsv: path, label and,
// optionally, split, in this order, or with a header in any order and beside other
// columns;
// - name.jsonl and name.ndjson: one object a line with these keys.
//
// A label is a name or a number. Spaces around a value are removed. The text is UTF-8, or
// UTF-16 with a byte order mark. Errors, also visit's, begin with the manifest's name and
// the line.
func readRows(name string, r io.Reader, visit func(row) error) error {
	b, err := plaintext.NewReader(r)
	if err != nil {
		return fmt.Errorf("%s: %w", show(name), err)
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jsonl", ".ndjson":
		return readJSONRows(name, b, visit)
	case ".tsv":
		return readTableRows(name, '\t', b, visit)
	}
	comma := ','
	first, _ := b.Peek(b.Size())
	first, _, _ = bytes.Cut(first, []byte{'\n'})
	for _, other := range ";\t" { // written where decimals have commas (0,5), or tables with another name
		if comma == ',' && !bytes.ContainsRune(first, ',') && bytes.ContainsRune(first, other) {
			comma = other
		}
	}
	return readTableRows(name, comma, b, visit)
}

// columns are the positions of the values in a line; split is −1 if there is none.
type columns struct {
	path, label, split int
	headed             bool
}

func readTableRows(name string, comma rune, r io.Reader, visit func(row) error) error {
	limit := &rowLimit{r: r}
	table := csv.NewReader(limit)
	table.Comma = comma
	table.LazyQuotes = comma == '\t' // tables with tabs are seldom quoted
	table.FieldsPerRecord = -1       // checked below, with a better message
	table.ReuseRecord = true
	table.TrimLeadingSpace = true
	name = show(name)
	var c columns
	line := 0
	for first := true; ; first = false {
		limit.reset()
		cells, err := table.Read()
		if err == io.EOF {
			return nil
		}
		if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
			return fmt.Errorf("%s:%d: %w: quote the whole value, and write a quote in it twice", name, bad.Line, bad.Err)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, line+1, err)
		}
		line, _ = table.FieldPos(0)
		if err := checkText(cells...); err != nil {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if first {
			if c, err = findColumns(cells); err != nil {
				return fmt.Errorf("%s:%d: %w", name, line, err)
			}
			if c.headed {
				continue
			}
		}
		if need := max(c.path, c.label, c.split) + 1; len(cells) < need || !c.headed && len(cells) != need {
			return fmt.Errorf("%s:%d: has %d columns, the first line has %s", name, line, len(cells), atLeast(c.headed, need))
		}
		out := row{path: strings.TrimSpace(cells[c.path]), label: strings.TrimSpace(cells[c.label]), line: line, headed: c.headed}
		if c.split >= 0 {
			if out.split = strings.TrimSpace(cells[c.split]); out.split == "" {
				return fmt.Errorf("%s:%d: the split is empty: write train or val", name, line)
			}
		}
		if err := visit(out); err != nil {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
}

func atLeast(headed bool, n int) string {
	if headed {
		return fmt.Sprintf("%d up to the last one that is needed", n)
	}
	return fmt.Sprint(n)
}

// findColumns reads the first line of a table. It is a header if a cell names the column
// of the path.
func findColumns(cells []string) (columns, error) {
	var twice error
	find := func(what string, names []string) int {
		at := -1
		for i, cell := range cells {
			if !slices.Contains(names, strings.ToLower(strings.TrimSpace(cell))) {
				continue
			}
			if at >= 0 && twice == nil {
				twice = twoColumns(what, cells[at], cell)
			}
			if at < 0 {
				at = i
			}
		}
		return at
	}
	c := columns{find("path", pathColumns), find("label", labelColumns), find("split", splitColumns), true}
	if c.path >= 0 {
		if twice != nil {
			return c, twice
		}
		if c.label < 0 {
			return c, fmt.Errorf("the header %s names no label: call that column label", show(strings.Join(cells, ",")))
		}
		return c, nil
	}
	switch len(cells) {
	case 2:
		return columns{0, 1, -1, false}, nil
	case 3:
		return columns{0, 1, 2, false}, nil
	}
	return c, fmt.Errorf("has %d columns and no header; expected path,label[,split]", len(cells))
}

// twoColumns refuses two columns with names of the same meaning.
func twoColumns(what, a, b string) error {
	return fmt.Errorf("has two columns for the %s, %s and %s: give one of them another name", what, show(strings.TrimSpace(a)), show(strings.TrimSpace(b)))
}

func readJSONRows(name string, r io.Reader, visit func(row) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxRow)
	name = show(name)
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		out, err := parseJSONRow(lines.Bytes())
		if utf := checkText(lines.Text()); utf != nil {
			err = utf
		}
		if err == nil {
			out.line = n
			err = visit(out)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = errRowTooLong
		}
		return fmt.Errorf("%s:%d: %w", name, n+1, err)
	}
	return nil
}

func parseJSONRow(b []byte) (row, error) {
	object, err := jsonObject(b)
	if err != nil {
		return row{}, err
	}
	out := row{headed: true}
	for what, keys := range map[string][]string{"path": pathColumns, "label": labelColumns, "split": splitColumns} {
		var there []string
		for _, k := range keys {
			if _, ok := jsonText(object, []string{k}); ok {
				there = append(there, k)
			}
		}
		if len(there) > 1 {
			return row{}, twoColumns(what, there[0], there[1])
		}
	}
	var ok bool
	out.path, ok = jsonText(object, pathColumns)
	if out.path = strings.TrimSpace(out.path); !ok || out.path == "" {
		return row{}, errors.New(`has no text "path"`)
	}
	if out.label, ok = jsonText(object, labelColumns); !ok {
		return row{}, errNoJSONLabel
	}
	out.split, _ = jsonText(object, splitColumns)
	return out, nil
}

var errNoJSONLabel = errors.New(`has no "label" that is a text or a number`)

// jsonLabel returns the label in an object.
func jsonLabel(b []byte) (string, error) {
	object, err := jsonObject(b)
	if err != nil {
		return "", err
	}
	if text, ok := jsonText(object, labelColumns); ok {
		return text, nil
	}
	return "", errNoJSONLabel
}

func jsonObject(b []byte) (object map[string]any, err error) {
	return object, jsontext.UnmarshalNumbers(b, &object)
}

// jsonText returns the first text or number under one of the keys, as text.
func jsonText(object map[string]any, keys []string) (string, bool) {
	for _, k := range keys {
		switch v := object[k].(type) {
		case string:
			return strings.TrimSpace(v), true
		case json.Number:
			return v.String(), true
		}
	}
	return "", false
}
