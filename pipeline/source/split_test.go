package source

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// listed is a source with items and nothing to open.
func listed(items ...Item) Source {
	return &manifest{listing[int32]{classes: named("a", "b", "c"), items: items}}
}

// many returns the names of n pictures of one class.
func many(label, n int) []Item {
	var items []Item
	for i := range n {
		items = append(items, Item{fmt.Sprintf("%d/%03d", label, i), label})
	}
	return items
}

func names(s Source) string {
	var all []string
	for _, it := range s.Items() {
		all = append(all, it.Name)
	}
	return strings.Join(all, " ")
}

func TestDivideIsStratified(t *testing.T) {
	items := slices.Concat(many(0, 100), many(1, 25), many(2, 1))
	cases := []struct {
		fraction float64
		want     [3]int // in validation
	}{
		{0, [3]int{0, 0, 0}},
		{.001, [3]int{1, 1, 0}},
		{.1, [3]int{10, 3, 0}},
		{.5, [3]int{50, 13, 0}},
		{.999, [3]int{99, 24, 0}},
	}
	for _, c := range cases {
		train, val := Divide(listed(items...), c.fraction, 1)
		var got [3]int
		for _, it := range val.Items() {
			got[it.Label]++
		}
		if got != c.want {
			t.Errorf("fraction %v: %v in validation, want %v", c.fraction, got, c.want)
		}
		both := slices.Concat(train.Items(), val.Items())
		slices.SortFunc(both, compareItems)
		if !slices.Equal(both, items) {
			t.Errorf("fraction %v: the two sets aren't the source", c.fraction)
		}
	}
}

func TestDivideIsAFunctionOfSeedAndNames(t *testing.T) {
	items := many(0, 10)
	// The choice must never change, or a run of tomorrow would validate on what
	// one of today was trained on. By Python's xxhash:
	//	sorted(names, key=lambda s: xxh3_64_intdigest(s.encode(), seed=7))[:3]
	const want = "0/001 0/002 0/004"
	_, val := Divide(listed(items...), .3, 7)
	if got := names(val); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	slices.Reverse(items)
	_, val = Divide(listed(items...), .3, 7)
	got := strings.Fields(names(val))
	slices.Sort(got)
	if strings.Join(got, " ") != want {
		t.Errorf("of the reverse: got %s, want %s", got, want)
	}
	_, val = Divide(listed(items...), .3, 8)
	if names(val) == want {
		t.Error("another seed gave the same division")
	}
}

func TestOpenDivides(t *testing.T) {
	root := onDisk(t, "a/1", "a/2", "a/3", "b/1", "b/2", "b/3", "b/4")
	opts := Options{SplitFraction: .34, SplitSeed: 3}
	train, err := Open(t.Context(), root, opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.Split = "val"
	val, err := Open(t.Context(), root, opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(train.Items()) != 5 || len(val.Items()) != 2 {
		t.Fatalf("train %s, val %s", names(train), names(val))
	}
	for _, it := range val.Items() {
		if slices.Contains(train.Items(), it) {
			t.Errorf("%s is in both", it.Name)
		}
		r, err := val.Open(it)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	if len(val.Classes()) != 2 || val.Layout() != "folders" {
		t.Errorf("classes %v, layout %s", val.Classes(), val.Layout())
	}

	// The same fraction takes val from a root that has only train.
	val, err = Open(t.Context(), onDisk(t, "train/a/1", "train/a/2"), Options{Split: "val", SplitFraction: .5})
	if err != nil || len(val.Items()) != 1 {
		t.Errorf("%v", err)
	}
}
