package source

import (
	"cmp"
	"math"
	"slices"

	"github.com/zeebo/xxh3"
)

// Divide makes a training and a validation set of a source that has none: of
// each class of n pictures, round(fraction·n) go to validation, but at least one
// and never the last one, so a class of one picture is for training only.
// It chooses the pictures whose names have the smallest xxh3 hash under seed, so that
// the same listing and seed always give the same two sets, that no picture is in
// both, and that the order of the pictures doesn't matter.
//
// A class that gains pictures keeps most of its division but not all of it: for
// a set that grows, write the division down in a manifest instead.
//
// Both sets read from src; closing either closes it. They have a method Division
// that returns the fraction and the seed, for the index to keep.
func Divide(src Source, fraction float64, seed uint64) (train, val Source) {
	type ranked struct {
		hash uint64
		item int
	}
	items := src.Items()
	byClass := make([][]ranked, len(src.Classes()))
	for i, it := range items {
		byClass[it.Label] = append(byClass[it.Label], ranked{xxh3.HashStringSeed(it.Name, seed), i})
	}
	held := make([]bool, len(items))
	for _, class := range byClass {
		slices.SortFunc(class, func(a, b ranked) int {
			return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(items[a.item].Name, items[b.item].Name))
		})
		n := int(math.Round(fraction * float64(len(class))))
		if fraction > 0 {
			n = max(n, 1)
		}
		n = min(n, len(class)-1)
		for _, r := range class[:max(n, 0)] {
			held[r.item] = true
		}
	}
	t := &part{Source: src, fraction: fraction, seed: seed}
	v := &part{Source: src, fraction: fraction, seed: seed}
	for i, it := range items {
		if held[i] {
			v.items = append(v.items, it)
		} else {
			t.items = append(t.items, it)
		}
	}
	return t, v
}

// part is one of the two sets that Divide makes.
type part struct {
	Source
	items    []Item
	fraction float64
	seed     uint64
}

func (p *part) Items() []Item { return p.items }

// Division returns what Divide was given.
func (p *part) Division() (fraction float64, seed uint64) { return p.fraction, p.seed }
