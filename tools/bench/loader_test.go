package main

import "testing"

func TestChosen(t *testing.T) {
	for _, c := range []struct {
		name, words string
		want        bool
	}{
		{"ours, raw", "", true}, {"ours, raw", "raw", true}, {"python-raw", "dali,raw", true}, {"ours, jpeg", "raw", false},
		{"ours, raw, 1.28 M", "ours,!1.28", false}, {"ours, raw", "ours,!1.28", true}, {"dali", "ours,!1.28", false},
		{"dali", "!1.28,!bound", true}, {"ours, raw, 1.28 M", "!1.28,!bound", false},
	} {
		if got := chosen(c.name, c.words); got != c.want {
			t.Errorf("%q by %q: %v", c.name, c.words, got)
		}
	}
}
