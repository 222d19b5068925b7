package launch

import "testing"

func TestShare(t *testing.T) {
	hosts := []string{"a", "b", "a", "a"}
	for _, c := range []struct {
		what  string
		bound []string
		want  int
	}{
		{"not bound", []string{"ff", "ff", "ff", "ff"}, 2}, // 8 for three
		{"each to its own", []string{"ff", "ff", "ff00", "ff0000"}, 8},
		{"two to the same socket", []string{"ff", "ff", "ff", "ff00"}, 4},
		{"not known", []string{"", "", "", ""}, 2},
	} {
		var bound [][]byte
		for _, b := range c.bound {
			bound = append(bound, []byte(b))
		}
		if got := share(8, 0, hosts, bound); got != c.want {
			t.Errorf("%s: %d processors, want %d", c.what, got, c.want)
		}
	}
	if got := share(1, 0, []string{"a", "a"}, [][]byte{nil, nil}); got != 1 {
		t.Errorf("one processor for two ranks: %d each, want 1", got)
	}
}
