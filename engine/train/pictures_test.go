package train

import (
	"path/filepath"
	"testing"

	"alexnet/pipeline/synthetic"
)

// TestFromPictures: a program trains on a folder of pictures, and goes on with the shards
// that it has made.
func TestFromPictures(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "pictures")
	if _, err := synthetic.Write(t.Context(), in, synthetic.Config{Classes: 2, PerClass: 8, Size: 32}, nil); err != nil {
		t.Fatal(err)
	}
	for _, steps := range []uint64{1, 2} {
		c := Defaults()
		c.Run, c.AutoResume, c.Devices, c.Batch, c.Steps = filepath.Join(dir, "run"), true, "cpu", 4, steps
		made, err := Pictures{In: filepath.Join(in, "train")}.Make(t.Context(), &c, nil)
		if err != nil || len(made.Commands) != 4 || made.LeftOut != 0 || (made.Planned == nil) != (steps == 2) {
			t.Fatalf("%+v, %v", made, err)
		}
		if _, err := c.Complete(t.Context(), nil); err != nil || c.Recipe != "small" || c.Net != "alexnet-mini" || c.Batch != 4 {
			t.Fatalf("recipe %q, net %s, batch %d, %v", c.Recipe, c.Net, c.Batch, err)
		}
		r, err := Run(t.Context(), c, nil)
		if err != nil || r.Steps != steps {
			t.Fatalf("%+v, %v", r, err)
		}
	}
}
