package collective

import (
	"slices"
	"strings"
	"testing"
)

func TestTerms(t *testing.T) {
	a := Terms{{"--lr", "0.01"}, {"--seed", "1"}, {"--run", "x"}}
	if a.Hash() != (Terms{{"--lr", "0.01"}, {"--seed", "1"}, {"--run", "x"}}).Hash() {
		t.Error("the same terms have two hashes")
	}
	for _, c := range []struct {
		other Terms
		want  []string
	}{
		{a, nil},
		{Terms{{"--lr", "0.02"}, {"--seed", "1"}, {"--run", "x"}}, []string{`--lr is "0.01" on rank 1 and "0.02" on rank 0`}},
		{Terms{{"--lr", "0.01"}, {"--seed", "1"}}, []string{`--run is "x" on rank 1 and unknown on rank 0`}},
		{append(slices.Clone(a), Term{"--new", "\x1b[1m"}), []string{`--new is unknown on rank 1 and "\x1b[1m" on rank 0`}},
		{Terms{a[1], a[0], a[2]}, []string{"the order of the terms differs"}},
		{Terms{{"--lr", "0.01\"=\"1"}, {"--seed", strings.Repeat("9", 1000)}, {"--run", "x"}}, []string{
			`--lr is "0.01" on rank 1 and "0.01\"=\"1" on rank 0`,
			`--seed is "1" on rank 1 and "` + strings.Repeat("9", longestShown) + `"… on rank 0`}},
	} {
		got := a.Differences("rank 1", c.other, "rank 0")
		if !slices.Equal(got, c.want) || (len(got) > 0) != (a.Hash() != c.other.Hash()) {
			t.Errorf("%v: differences %q, want %q", c.other, got, c.want)
		}
	}
}
