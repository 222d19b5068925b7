package source

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
)

// listing is the common part of the layouts: the classes, and the pictures in order of
// label, then name. T is a layout's position of a picture. Besides the names it takes 24
// bytes and one T a picture.
type listing[T any] struct {
	layout  string
	path    string // of the source, for messages
	splits  bool   // the source itself has a validation set
	classes []Class
	items   []Item
	where   []T
}

func (l *listing[T]) Layout() string   { return l.layout }
func (l *listing[T]) Classes() []Class { return l.classes }
func (l *listing[T]) Items() []Item    { return l.items }
func (l *listing[T]) Close() error     { return nil }
func (l *listing[T]) ownSplit() bool   { return l.splits }

// add adds a picture; label indexes l.classes.
func (l *listing[T]) add(name string, label int, where T) {
	l.items = append(l.items, Item{Name: name, Label: label})
	l.where = append(l.where, where)
}

// sort sorts the pictures, and refuses two of the same name in one class.
func (l *listing[T]) sort() error {
	sort.Sort((*inOrder[T])(l))
	for i := 1; i < len(l.items); i++ {
		if l.items[i] == l.items[i-1] {
			return fmt.Errorf("%s: holds %s twice: remove one of the two", show(l.path), show(l.items[i].Name))
		}
	}
	return nil
}

// find returns the position of a picture of l.items.
func (l *listing[T]) find(it Item) (T, error) {
	i, ok := slices.BinarySearchFunc(l.items, it, compareItems)
	if !ok {
		var none T
		return none, fmt.Errorf("%s: has no picture %s with label %d", show(l.path), show(it.Name), it.Label)
	}
	return l.where[i], nil
}

// needPictures refuses a class without any picture.
func (l *listing[T]) needPictures() error {
	count := make([]int, len(l.classes))
	for _, it := range l.items {
		count[it.Label]++
	}
	var empty []string
	for i, n := range count {
		if n == 0 {
			empty = append(empty, l.classes[i].ID)
		}
	}
	if len(empty) > 0 {
		return fmt.Errorf("%s: no picture of %d of %d classes (%s): add pictures, or give a class list without them",
			show(l.path), len(empty), len(l.classes), abbreviate(empty, 5))
	}
	return nil
}

func compareItems(a, b Item) int {
	return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Name, b.Name))
}

// inOrder sorts items and where together.
type inOrder[T any] listing[T]

func (l *inOrder[T]) Len() int           { return len(l.items) }
func (l *inOrder[T]) Less(i, j int) bool { return compareItems(l.items[i], l.items[j]) < 0 }
func (l *inOrder[T]) Swap(i, j int) {
	l.items[i], l.items[j] = l.items[j], l.items[i]
	l.where[i], l.where[j] = l.where[j], l.where[i]
}
