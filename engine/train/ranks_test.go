package train

import (
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/collective"
	"alexnet/pipeline/shards/shardstest"
)

// pair is rank 1 of two, of which rank 0 says something.
type pair struct {
	collective.Single
	said []byte
}

func (p *pair) Rank() int                            { return 1 }
func (p *pair) Size() int                            { return 2 }
func (p *pair) Hosts() []string                      { return []string{"a", "b"} }
func (p *pair) Gather(data []byte) ([][]byte, error) { return [][]byte{p.said, data}, nil }

// A rank's share of its host is its own: what the run is recorded with is what was
// asked for, so that another number of ranks takes all processors again.
func TestShareOut(t *testing.T) {
	j := &Job{c: Config{Batch: 8, Accumulate: 1, Threads: 0, Workers: 3}, group: &pair{}}
	if err := j.shareOut(); err != nil || j.threads < 1 || j.workers != 3 || j.c.Threads != 0 || j.c.Workers != 3 {
		t.Errorf("%d threads of %d, %d workers of %d: %v", j.threads, j.c.Threads, j.workers, j.c.Workers, err)
	}
}

// Ranks that see other pictures than rank 0 don't begin.
func TestCheckData(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "train")
	shardstest.Stripes(t, dir, "train", 2, 2, 20)
	j := &Job{c: Config{Train: dir}, group: &pair{}}
	d, err := j.c.Access.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	j.trainData = d
	seen, err := describeData(dir, d)
	if err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]string{seen.Index: "", "another index": "rank 0 on a and rank 1 on b have different pictures in " + dir} {
		j.group = &pair{said: []byte(said)}
		err := j.checkData()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("rank 0 has %s: %v", said, err)
		}
	}
}
