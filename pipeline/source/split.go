package source

import (
	"cmp"
	"math"
	"slices"

	"github.com/zeebo/xxh3"
)

// Divide divides a source without a validation set into a training and a validation
// set. Of a class with n pictures, round(fraction·n) go to validation, but at least
// one, and at least one stays for training; a class with one picture is for training
// only. The pictures for validation are those whose names have the smallest xxh3 hashes
// with seed. So the same names and seed always give the same two sets, whatever the
// order of the pictures, and no picture is in both.
//
// If a class gains pictures, a few of the old ones may move from one set to the other.
// For a source that grows, write the division down in a manifest instead.
//
// Both sets read from src; closing either closes it. They have a method Division that
// returns the fraction and the seed, to be stored in the index.
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
