package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestLink: as many pictures of each class, evenly spaced; what a small class lacks
// comes from the others.
func TestLink(t *testing.T) {
	dir := t.TempDir()
	for class, n := range map[string]int{"a": 10, "b": 2, "c": 10} {
		for i := range n {
			path := filepath.Join(dir, "in", class, fmt.Sprintf("%02d.jpg", i))
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	names := func(n int) (all []string, err error) {
		out := filepath.Join(dir, fmt.Sprint(n))
		if err := link(filepath.Join(dir, "in"), out, n); err != nil {
			return nil, err
		}
		found, err := filepath.Glob(filepath.Join(out, "*", "*"))
		for _, f := range found {
			if _, err := os.Stat(f); err != nil {
				t.Error(err)
			}
			rel, _ := filepath.Rel(out, f)
			all = append(all, filepath.ToSlash(rel))
		}
		return all, err
	}
	for n, want := range map[int][]string{
		3: {"a/00.jpg", "b/00.jpg", "c/00.jpg"},
		6: {"a/00.jpg", "a/05.jpg", "b/00.jpg", "b/01.jpg", "c/00.jpg", "c/05.jpg"},
		8: {"a/00.jpg", "a/03.jpg", "a/06.jpg", "b/00.jpg", "b/01.jpg", "c/00.jpg", "c/03.jpg", "c/06.jpg"},
	} {
		if got, err := names(n); err != nil || !slices.Equal(got, want) {
			t.Errorf("%d pictures: %q, want %q (%v)", n, got, want, err)
		}
	}
	if _, err := names(23); err == nil {
		t.Error("23 of 22 pictures are linked")
	}
}

// TestRecipeCells: the median and the span of the seeds of one row, net, size and time.
func TestRecipeCells(t *testing.T) {
	row := func(seed int, failures float64, change func(*recipeResult)) recipeResult {
		r := recipeResult{Row: "small", Net: "alexnet-mini", Size: 500, Seed: seed, Seconds: 90, Error: failures, Seen: 100 * seed}
		change(&r)
		return r
	}
	all := []recipeResult{
		row(1, .5, func(r *recipeResult) {}), row(2, .4, func(r *recipeResult) {}), row(3, .45, func(r *recipeResult) {}),
		row(1, .9, func(r *recipeResult) { r.Size = 2000 }), row(1, .1, func(r *recipeResult) { r.Seconds = 6 }), row(1, .2, func(r *recipeResult) { r.Net = "alexnet" }),
	}
	for want, size := range map[string]int{"45.0 % (40.0–50.0), 200": 500, "90.0 % (one seed), 100": 2000, "–": 9469} {
		if got := cellOf(all, recipeResult{Row: "small", Net: "alexnet-mini", Size: size, Seconds: 90}); got != want {
			t.Errorf("%d pictures: %q, want %q", size, got, want)
		}
	}
}
