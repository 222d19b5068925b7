package pipeline

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shardParts does a job in parts and returns their folders.
func shardParts(t *testing.T, c ShardConfig, parts int) []string {
	t.Helper()
	var dirs []string
	for i := range parts {
		c.Out, c.Part, c.Parts = filepath.Join(t.TempDir(), fmt.Sprint(i)), i, parts
		if _, err := Shard(t.Context(), c, resumable, nil); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, c.Out)
	}
	return dirs
}

// TestJoinParts wants the bytes of one process from any number of parts, given
// in any order.
func TestJoinParts(t *testing.T) {
	for _, zstd := range []bool{false, true} {
		c := resumableConfig(filepath.Join(t.TempDir(), "whole"))
		c.Zstd = zstd
		whole := c.Out
		if _, err := Shard(t.Context(), c, resumable, nil); err != nil {
			t.Fatal(err)
		}
		for _, parts := range []int{1, 2, 3, 7} {
			dirs := shardParts(t, c, parts)
			slices.Reverse(dirs)
			out := filepath.Join(t.TempDir(), "joined")
			sum, err := JoinParts(t.Context(), out, dirs, 2)
			if err != nil {
				t.Fatal(err)
			}
			sameFolder(t, whole, out)
			if sum.Meta.Images+len(sum.Bad) != 270 || len(sum.Bad) == 0 {
				t.Errorf("%d images and %d bad pictures of 270", sum.Meta.Images, len(sum.Bad))
			}
			if sum, err := JoinParts(t.Context(), out, dirs, 2); err != nil || !sum.Already {
				t.Errorf("joined again: already %v, %v", sum.Already, err)
			}
		}
	}
}

// TestPartsOfRanks lets three ranks write the shards of two parts, and sends
// what they report through JSON.
func TestPartsOfRanks(t *testing.T) {
	c := resumableConfig(filepath.Join(t.TempDir(), "whole"))
	whole := c.Out
	if _, err := Shard(t.Context(), c, resumable, nil); err != nil {
		t.Fatal(err)
	}
	dirs := shardParts(t, c, 2)
	out := filepath.Join(t.TempDir(), "joined")
	head, err := OpenParts(out, dirs)
	if err != nil {
		t.Fatal(err)
	}
	defer head.Close()
	if sum, err := head.Begin(); err != nil || sum.Already {
		t.Fatal(sum.Already, err)
	}
	var all []NumberedShard
	for rank := range 3 {
		p, err := OpenParts(out, dirs)
		if err != nil {
			t.Fatal(err)
		}
		written, err := p.Write(t.Context(), rank, 3, 2)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(written)
		if err != nil {
			t.Fatal(err)
		}
		var told []NumberedShard
		if err := json.Unmarshal(text, &told); err != nil {
			t.Fatal(err)
		}
		all = append(all, told...)
		p.Close()
	}
	if _, err := head.Finish(all[1:]); err == nil || !strings.Contains(err.Error(), "nobody has written shard") {
		t.Errorf("finished without a shard: %v", err)
	}
	if _, err := head.Finish(all); err != nil {
		t.Fatal(err)
	}
	sameFolder(t, whole, out)
}

func TestPartsThatDontBelongTogether(t *testing.T) {
	c := resumableConfig("")
	dirs := shardParts(t, c, 3)
	c.Seed++
	other := shardParts(t, c, 3)
	c.Out, c.Parts = filepath.Join(t.TempDir(), "whole"), 0
	if _, err := Shard(t.Context(), c, resumable, nil); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		dirs []string
		want string
	}{
		{dirs[:2], "holds part 0/3, so 3 folders are wanted and not 2"},
		{[]string{dirs[0], dirs[1], dirs[1]}, "both hold part 1/3"},
		{[]string{dirs[0], dirs[1], other[2]}, "are parts of different jobs: seed 3 instead of 4"},
		{[]string{c.Out}, "holds a whole job"},
		{[]string{filepath.Join(t.TempDir(), "missing")}, "missing: "},
	} {
		_, err := JoinParts(t.Context(), filepath.Join(t.TempDir(), "out"), test.dirs, 1)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want one with %q", err, test.want)
		}
	}
	c.Parts, c.Part = 3, 3
	c.Out = t.TempDir()
	if _, err := Shard(t.Context(), c, resumable, nil); err == nil || !strings.Contains(err.Error(), "part 3 of 3: choose 0 to 2") {
		t.Errorf("a part too many: %v", err)
	}
}
