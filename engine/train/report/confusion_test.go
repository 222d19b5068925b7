package report

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestConfusion(t *testing.T) {
	all := outcomesOf([]int32{0, 0, 1}, []float32{
		.6, .3, .1,
		.2, .7, .1,
		.4, .4, .2, // the first among equals
	})
	all = append(all, outcomesOf([]int32{0, 0}, []float32{.1, .8, .1, .1, .2, .7})...)
	c := newConfusion([]string{"cat", "dog", "owl"}, all)
	if want := [][]int{{1, 2, 1}, {1, 0, 0}, {0, 0, 0}}; !reflect.DeepEqual(c.Counts, want) {
		t.Errorf("counts %v, want %v", c.Counts, want)
	}
	if got, want := c.Pairs(), []string{"cat taken for dog: 2 of 4", "cat taken for owl: 1 of 4", "dog taken for cat: 1 of 1"}; !reflect.DeepEqual(got, want) {
		t.Errorf("pairs %q, want %q", got, want)
	}
	rows := c.Rows()
	if rows[0].Error != "75.0 %" || rows[2].Error != "–" || rows[0].Cells[1] != (Cell{2, .5, false}) {
		t.Errorf("rows %+v", rows)
	}
	var b bytes.Buffer
	if err := show(&b, confusionSection, c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"What is taken for what", "<th>cat</th>", `title="cat taken for dog"`, ">2</td>", "75.0 %", "dog taken for cat: 1 of 1"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in the page", want)
		}
	}
	b.Reset()
	many := newConfusion(make([]string, whole+1), nil)
	if err := show(&b, confusionSection, many); err != nil || strings.Contains(b.String(), "<th>") {
		t.Errorf("a table of %d classes was drawn, %v", whole+1, err)
	}
}
