package train_test

import (
	"os"
	"path/filepath"
	"testing"

	"alexnet/engine/train"
	"alexnet/pipeline/shards/shardstest"
)

// TestRemovedBest: a result names the best checkpoint only while it is there.
func TestRemovedBest(t *testing.T) {
	net, err := filepath.Abs("testdata/tiny.json")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	shardstest.Stripes(t, "train", "train", 3, 16, 32)
	shardstest.Stripes(t, "val", "val", 3, 4, 32)
	c := train.Defaults()
	c.Train, c.Val, c.Run, c.AutoResume = "train", "val", "run", true
	c.Net, c.Devices, c.Batch, c.Epochs, c.Init = net, "cpu", 6, 1, "he"
	best := filepath.Join("run", train.CheckpointsName, "best.safetensors")
	for _, want := range []string{best, ""} {
		r, err := train.Run(t.Context(), c, nil)
		if err != nil || r.BestCheckpoint != want || r.Best.Epochs != 1 {
			t.Fatalf("%+v, %v: want %q", r, err, want)
		}
		os.Remove(best)
	}
}
