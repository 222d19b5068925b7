package engine_test

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine"
)

// forged writes a copy of a checkpoint without its hash, whose metadata were changed by
// someone else's program, and returns its path.
func forged(t *testing.T, checkpoint []byte, change func(training, net map[string]any)) string {
	t.Helper()
	n := 8 + binary.LittleEndian.Uint64(checkpoint)
	var header map[string]any
	if err := json.Unmarshal(checkpoint[8:n], &header); err != nil {
		t.Fatal(err)
	}
	metadata := header["__metadata__"].(map[string]any)
	delete(metadata, "xxh3")
	var parts [2]map[string]any
	for i, key := range []string{"training", "net"} {
		if err := json.Unmarshal([]byte(metadata[key].(string)), &parts[i]); err != nil {
			t.Fatal(err)
		}
	}
	change(parts[0], parts[1])
	for i, key := range []string{"training", "net"} {
		text, err := json.Marshal(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		metadata[key] = string(text)
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "forged.safetensors")
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	if err := os.WriteFile(path, append(file, checkpoint[n:]...), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// Metadata that no training writes are refused before anyone computes with them: class
// ids of another number named the wrong classes, or none; a picture size took the memory.
func TestForgedMetadata(t *testing.T) {
	dir := t.TempDir()
	tinyRun(t, dir, 3)
	good := tinyFile(t, dir, 3)
	change := func(key string, value any) func(training, net map[string]any) {
		return func(training, _ map[string]any) { training[key] = value }
	}
	within := func(key string, values map[string]any) func(training, net map[string]any) {
		return func(training, _ map[string]any) { maps.Copy(training[key].(map[string]any), values) }
	}
	for name, c := range map[string]struct {
		change func(training, net map[string]any)
		want   string // "": accepted
	}{
		"as it was":        {func(_, _ map[string]any) {}, ""},
		"two ids":          {change("classes", []string{"r", "g"}), "2 class ids, but the net has 3"},
		"four ids":         {change("classes", []string{"r", "g", "b", "a"}), "4 class ids, but the net has 3"},
		"no ids":           {change("classes", nil), "0 class ids, but the net has 3"},
		"another net":      {func(_, net map[string]any) { net["classes"] = 4 }, "3 class ids, but the net has 4"},
		"two names":        {change("class_names", []string{"red", "green"}), "2 names of 3 classes"},
		"tiny pictures":    {change("picture_size", 1), "pictures of 1 pixels"},
		"negative":         {change("picture_size", -1), "pictures of -1 pixels"},
		"huge pictures":    {change("picture_size", 1_000_000), "pictures of 1000000 pixels"},
		"largest pictures": {change("picture_size", 8192), ""},
		"unknown pictures": {change("picture_size", 0), ""},
		"step":             {within("position", map[string]any{"step": uint64(1) << 63}), "no position"},
		"images":           {within("position", map[string]any{"images": uint64(1) << 63}), "no position"},
		"epoch":            {within("position", map[string]any{"epoch": -1}), "no position"},
		"step of epoch":    {within("position", map[string]any{"epoch_step": -1}), "no position"},
		"drops":            {within("schedule", map[string]any{"drops": -1}), "negative"},
		"stale":            {within("schedule", map[string]any{"stale": -1}), "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			path := forged(t, good, c.change)
			f, err := engine.OpenCheckpoint(path)
			if err == nil {
				f.Close()
			}
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path)):
				t.Errorf("error %v, want one of %s with %q", err, path, c.want)
			}
		})
	}
}

// A checkpoint that couldn't be read isn't written.
func TestUnreadableCheckpointIsNotWritten(t *testing.T) {
	tr := tinyTrainer(t, t.TempDir(), &recorder{})
	c := tr.Checkpoint
	c.Classes = c.Classes[:2]
	path := filepath.Join(t.TempDir(), "two.safetensors")
	if err := engine.WriteCheckpoint(path, tr.Model, &c); err == nil || !strings.Contains(err.Error(), "2 class ids") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it was written")
	}
}

// A state of any number of drops is a rate of 0 at once.
func TestManyDrops(t *testing.T) {
	p := &engine.Plateau{Ramp: engine.Ramp{Initial: 0.01}}
	p.Restore(engine.ScheduleState{Drops: 1 << 62})
	if rate := p.Rate(0); rate != 0 {
		t.Errorf("rate %g", rate)
	}
}
