package train

import (
	"strings"
	"testing"
)

func TestOwnDevices(t *testing.T) {
	for _, c := range []struct {
		list               string
		local, ranks, gpus int
		want, fails        string
	}{
		{list: "cpu", local: 1, ranks: 2, want: "cpu"},
		{list: "cpu, cpu", local: 0, ranks: 2, want: "cpu,cpu"},
		{list: "cuda", local: 1, ranks: 2, gpus: 2, want: "cuda:1"},
		{list: "cuda", local: 3, ranks: 4, gpus: 1, want: "cuda:0"}, // CUDA_VISIBLE_DEVICES of its own
		{list: "cuda,cuda", local: 1, ranks: 2, gpus: 4, want: "cuda:2,cuda:3"},
		{list: "cuda,cuda", local: 1, ranks: 2, gpus: 2, want: "cuda:0,cuda:1"},
		{list: "cuda", local: 2, ranks: 4, gpus: 2, fails: "devices cuda: 4 ranks of this host want 4 GPUs and this one sees 2: start fewer ranks a host"},
		{list: "cuda:0", local: 0, ranks: 1, gpus: 2, want: "cuda:0"},
		{list: "cuda:0", local: 0, ranks: 2, gpus: 2, fails: "devices cuda:0: 2 ranks of this host would share that GPU: write cuda, each rank's own"},
		{list: "cuda:0,cuda:0", local: 0, ranks: 1, gpus: 2, fails: "devices cuda:0,cuda:0: several ranks want a GPU for every context"},
	} {
		got, err := ownOf(c.list, c.local, c.ranks, c.gpus)
		if c.fails != "" {
			if err == nil || err.Error() != c.fails {
				t.Errorf("%+v: error %v", c, err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}

// A run of two GPUs a rank that goes on alone.
func TestEnoughDevices(t *testing.T) {
	for _, c := range []struct {
		list  string
		gpus  int
		fails string
	}{
		{"cuda", 1, ""},
		{"cuda,cuda", 2, ""},
		{"cuda,cuda", 0, ""}, // what is missing is said elsewhere
		{"cuda:0,cuda:0", 1, ""},
		{"cuda, cuda", 1, "devices cuda, cuda: that is cuda:1 too, and this host has 1 GPU: write cuda:0,cuda:0"},
	} {
		if err := enough(c.list, c.gpus); (err == nil) != (c.fails == "") || err != nil && !strings.HasPrefix(err.Error(), c.fails) {
			t.Errorf("%s on %d GPUs: %v", c.list, c.gpus, err)
		}
	}
}
