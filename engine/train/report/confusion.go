package report

import (
	"fmt"
	"sort"
)

// Confusion counts how often each class was taken for which: Counts[truth][guess].
type Confusion struct {
	Classes []string
	Counts  [][]int
}

// NewConfusion makes an empty table.
func NewConfusion(classes []string) *Confusion {
	c := &Confusion{Classes: classes, Counts: make([][]int, len(classes))}
	for i := range c.Counts {
		c.Counts[i] = make([]int, len(classes))
	}
	return c
}

// Add counts pictures of the given classes by their highest probability, the
// first one among equals. probs holds one row of len(Classes) a picture.
func (c *Confusion) Add(labels []int32, probs []float32) {
	k := len(c.Classes)
	for i, truth := range labels {
		row, guess := probs[i*k:(i+1)*k], 0
		for j, p := range row {
			if p > row[guess] {
				guess = j
			}
		}
		c.Counts[truth][guess]++
	}
}

// whole is the largest number of classes whose table is shown whole.
const whole = 30

// Whole reports whether the table is small enough to be shown.
func (c *Confusion) Whole() bool { return len(c.Classes) <= whole }

// Row is one class: what part of its pictures was taken for which.
type Row struct {
	Class string
	Error string // "12.0 %"
	Cells []Cell
}

// Cell is a place in the table.
type Cell struct {
	Count int
	Share float64 // of the class's pictures
	Right bool
}

// Rows is the whole table.
func (c *Confusion) Rows() []Row {
	rows := make([]Row, len(c.Classes))
	for i, counts := range c.Counts {
		n := sum(counts)
		r := Row{Class: c.Classes[i], Error: "–"}
		if n > 0 {
			r.Error = fmt.Sprintf("%.1f %%", 100*float64(n-counts[i])/float64(n))
		}
		for j, k := range counts {
			r.Cells = append(r.Cells, Cell{Count: k, Share: float64(k) / float64(max(n, 1)), Right: i == j})
		}
		rows[i] = r
	}
	return rows
}

// mostPairs is how many pairs the page names.
const mostPairs = 12

// Pairs are the most frequent mistakes, in words.
func (c *Confusion) Pairs() []string {
	type pair struct{ truth, guess, n int }
	var pairs []pair
	for i, counts := range c.Counts {
		for j, n := range counts {
			if i != j && n > 0 {
				pairs = append(pairs, pair{i, j, n})
			}
		}
	}
	sort.SliceStable(pairs, func(a, b int) bool { return pairs[a].n > pairs[b].n })
	var out []string
	for _, p := range pairs[:min(mostPairs, len(pairs))] {
		out = append(out, fmt.Sprintf("%s taken for %s: %d of %d", c.Classes[p.truth], c.Classes[p.guess], p.n, sum(c.Counts[p.truth])))
	}
	return out
}

func sum(counts []int) (n int) {
	for _, k := range counts {
		n += k
	}
	return n
}
