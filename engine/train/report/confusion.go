package report

import (
	"context"
	"fmt"
	"sort"
)

// confusionSection shows which classes are confused.
var confusionSection = Section{
	Slow: true,
	Make: func(ctx context.Context, s *Subject) (any, error) {
		all, err := s.classified(ctx)
		if err != nil || all == nil {
			return nil, err
		}
		names := make([]string, s.Model.Net.Classes)
		for i := range names {
			names[i] = s.Pictures.Meta().Classes[i].Title()
		}
		return newConfusion(names, all), nil
	},
	HTML: `
<h2>What is taken for what</h2>
{{if .Whole}}<p>A row is a class, a column the net's guess; the last column is the class's error. Darker is more of the class's pictures; mistakes are red.</p>
<div class="scroll"><table class="confusion">
  <tr><th></th>{{range .Classes}}<th class="turned"><span>{{.}}</span></th>{{end}}<th></th></tr>{{range .Rows}}{{$row := .Class}}
  <tr><th>{{.Class}}</th>{{range $i, $c := .Cells}}<td title="{{$row}} taken for {{index $.Classes $i}}" style="background:rgba({{if .Right}}90,130,190{{else}}200,70,50{{end}},{{printf "%.2f" .Share}})">{{if .Count}}{{.Count}}{{end}}</td>{{end}}<td>{{.Error}}</td></tr>{{end}}
</table></div>
{{end}}<p>The most frequent mistakes:</p>
<ul>{{range .Pairs}}
  <li>{{.}}</li>{{else}}
  <li>none</li>{{end}}
</ul>
`,
	Style: `  .confusion td { vertical-align: middle; width: 2.4rem; height: 1.7rem; padding: 0 .3rem; text-align: center; border: 1px solid #eee; color: #222; }
  .confusion td:last-child { border: 0; color: #666; padding-left: .6rem; white-space: nowrap; }
  .confusion th { font-weight: normal; text-align: right; padding: 0 .6rem 0 0; white-space: nowrap; }
  .confusion .turned { height: 7.5rem; vertical-align: bottom; padding: 0; text-align: center; }
  .confusion .turned span { writing-mode: vertical-rl; transform: rotate(180deg); }
`,
}

// confusionTable counts how often each class was guessed for each class:
// Counts[truth][guess].
type confusionTable struct {
	Classes []string
	Counts  [][]int
}

// newConfusion counts outcomes.
func newConfusion(classes []string, all []outcome) *confusionTable {
	c := &confusionTable{Classes: classes, Counts: make([][]int, len(classes))}
	for i := range c.Counts {
		c.Counts[i] = make([]int, len(classes))
	}
	for _, o := range all {
		c.Counts[o.truth][o.guess]++
	}
	return c
}

// whole is the largest number of classes whose table is shown whole.
const whole = 30

// Whole reports whether the table is small enough to be shown.
func (c *confusionTable) Whole() bool { return len(c.Classes) <= whole }

// Row is one class, with the shares of its pictures by guess.
type Row struct {
	Class string
	Error string // "12.0 %"
	Cells []Cell
}

// Cell is one cell of the table.
type Cell struct {
	Count int
	Share float64 // of the class's pictures
	Right bool
}

// Rows returns the whole table.
func (c *confusionTable) Rows() []Row {
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

// mostPairs is the number of pairs that the page names.
const mostPairs = 12

// Pairs returns the most frequent mistakes, in words.
func (c *confusionTable) Pairs() []string {
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
