package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

func TestStats(t *testing.T) {
	in := tree(t)
	write(t, filepath.Join(in, "a", "zero.JPEG"), nil)
	code, stdout, stderr := prep(t, t.Context(), "stats", in, "--colours", "--json")
	var s pipeline.SourceStats
	if err := json.Unmarshal([]byte(stdout), &s); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	if code != command.Skipped || !strings.Contains(stderr, "1 of 14 files can't be read, such as a/zero.JPEG: the file is empty") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if s.Pictures != 14 || s.Formats["JPEG"] != 6 || s.Formats["PNG"] != 3 || s.CMYK != 3 || s.Small != 13 ||
		s.ShortSide[0] != 1 || s.LongSide[4] != 5000 || s.PerClass[0] != 6 || s.Colours.Pixels != 13*256*256 {
		t.Errorf("%+v", s)
	}
	if code, stdout, _ := prep(t, t.Context(), "stats", in); code != command.Skipped || !strings.Contains(stdout, "short side below 256") || strings.Contains(stdout, "mean RGB") {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	if code, _, stderr := prep(t, t.Context(), "stats"); code != command.BadUsage || !strings.Contains(stderr, "stats takes one source") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
