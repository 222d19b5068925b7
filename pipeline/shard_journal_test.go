package pipeline

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"alexnet/pipeline/mds"
)

// FuzzJournal: whatever stands in the journal of an unfinished job, what is read
// of it is a prefix of the file, the file is cut to that, and read again it says
// the same.
func FuzzJournal(f *testing.F) {
	var whole bytes.Buffer
	lines := json.NewEncoder(&whole)
	lines.Encode(&Meta{FormatVersion: FormatVersion, Split: "train", Classes: []Class{{ID: "a"}}, Job: &Job{Pictures: "xxh128:0"}})
	for i := range 2 {
		lines.Encode(journalShard{
			Shard: mds.ShardInfo{RawData: mds.FileInfo{Basename: "shard.00000.mds", Bytes: 7}, Samples: 3, Version: 2},
			Items: 3 * (i + 1),
			Bad:   []Bad{{"b", "no picture", "x"}},
		})
	}
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:whole.Len()-9])
	f.Add([]byte("{}\n{}\n"))
	f.Add([]byte("{\"job\":{}}\n{}\nnull\n[]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), unfinishedName)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		read := func() (j *journal, left []byte) {
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if j, err = readJournal(file); err != nil {
				t.Fatal(err)
			}
			if left, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
			return j, left
		}
		first, left := read()
		if !bytes.HasPrefix(data, left) || len(left) > 0 && left[len(left)-1] != '\n' {
			t.Fatalf("%q was cut to %q", data, left)
		}
		if (first.job == nil) != (len(left) == 0) || first.job == nil && len(first.shards) > 0 {
			t.Fatalf("job %v and %d shards of %q", first.job, len(first.shards), left)
		}
		again, same := read()
		if !bytes.Equal(left, same) || len(first.shards) != len(again.shards) {
			t.Errorf("read again, %q was %q with %d shards instead of %d", same, left, len(again.shards), len(first.shards))
		}
		// Whether or not its shards are there, the job can go on.
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		j, err := readJournal(file)
		if err != nil || j.job == nil {
			return
		}
		if _, err := j.keepPresent(filepath.Dir(path)); err != nil {
			t.Error(err)
		}
	})
}
