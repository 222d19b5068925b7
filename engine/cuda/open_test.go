package cuda

import (
	"slices"
	"testing"
)

// GPUs without a number are those of their place.
func TestNumbered(t *testing.T) {
	for _, c := range []struct{ names, want []string }{
		{[]string{"cuda"}, []string{"cuda:0"}},
		{[]string{"cuda", "cuda"}, []string{"cuda:0", "cuda:1"}},
		{[]string{"cuda:3", "cuda"}, []string{"cuda:3", "cuda:1"}},
		{[]string{"cuda:0", "cuda:0"}, []string{"cuda:0", "cuda:0"}},
	} {
		if got := numbered(c.names); !slices.Equal(got, c.want) {
			t.Errorf("%v are %v, want %v", c.names, got, c.want)
		}
	}
}
