package pipeline

import (
	"fmt"
	"os"

	"alexnet/internal/printable"
	"alexnet/pipeline/source"
)

// ReadClasses reads a class list, as source.ReadClasses does, or takes the classes of a
// folder of shards.
func ReadClasses(path string) ([]source.Class, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return source.ReadClasses(path)
	}
	d, err := OpenDataset(path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var list []source.Class
	for _, c := range d.Meta().Classes {
		list = append(list, source.Class(c))
	}
	return list, nil
}

// Title returns the name of the class for people: Name, or ID if Name is empty.
func (c Class) Title() string {
	if c.Name != "" {
		return c.Name
	}
	return c.ID
}

// ClassIDs are the ids of the classes; index = label.
func (d *Dataset) ClassIDs() []string {
	ids := make([]string, len(d.Meta().Classes))
	for i, c := range d.Meta().Classes {
		ids[i] = c.ID
	}
	return ids
}

// ClassNames returns the readable names of classes; index = label. A class without a
// name has "". The result is nil if no class has a name.
func ClassNames(classes []Class) (names []string) {
	for i, c := range classes {
		if c.Name == "" {
			continue
		}
		if names == nil {
			names = make([]string, len(classes))
		}
		names[i] = c.Name
	}
	return names
}

// ClassDifference describes how two lists of class ids differ: "; missing from the
// second: …; missing from the first: …", or that their order differs.
func ClassDifference(want, have []string) string {
	lack := func(of, in []string) (ids []string) {
		there := map[string]bool{}
		for _, id := range in {
			there[id] = true
		}
		for _, id := range of {
			if !there[id] {
				ids = append(ids, id)
			}
		}
		return ids
	}
	text := ""
	for _, d := range []struct {
		ids []string
		how string
	}{{lack(want, have), "missing from the second"}, {lack(have, want), "missing from the first"}} {
		if n := len(d.ids); n > 0 {
			more := ""
			if n > 5 {
				more = fmt.Sprintf(" and %d more", n-5)
			}
			text += fmt.Sprintf("; %s: %s%s", d.how, printable.Names(d.ids[:min(n, 5)]), more)
		}
	}
	if text == "" {
		return ", in another order"
	}
	return text
}
