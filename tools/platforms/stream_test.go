//go:build linux

package platforms

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stream has the loading process of alexnet-loader give an epoch of shards, and
// returns what it says of the batches. The client here maps no memory: under wine it
// can't open what the process has made.
func (s system) stream(t *testing.T, dir, shards string) string {
	t.Helper()
	handle := "3"
	if s.os == "windows" {
		handle = "alexnet-platforms"
	}
	c := s.command(dir, "prep-imagenet", "stream", "--memory", handle, "--train", "--batch", "8", "--pixels", "20", "--epochs", "1", shards)
	memory, err := os.Create(filepath.Join(t.TempDir(), "memory"))
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	c.ExtraFiles = append(c.ExtraFiles, memory)
	var errs strings.Builder
	c.Stderr = &errs
	in, err1 := c.StdinPipe()
	out, err2 := c.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(4*time.Minute, func() { c.Process.Kill() })
	defer timer.Stop()
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var line struct {
			Stream, Batches int
			End             bool
			Batch           *struct{ Slot, Epoch, Step, Rows, Images int }
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		switch {
		case line.Stream > 0:
			fmt.Fprintf(&said, "version %d, %d batches\n", line.Stream, line.Batches)
		case line.End:
			said.WriteString("end\n")
			fmt.Fprintln(in, `{"close":true}`)
		case line.Batch != nil:
			b := line.Batch
			fmt.Fprintf(&said, "epoch %d, step %d: %d of %d\n", b.Epoch, b.Step, b.Images, b.Rows)
			fmt.Fprintf(in, "{\"release\":%d}\n", b.Slot)
		default:
			t.Errorf("stream says %s", lines.Text())
		}
	}
	if err := c.Wait(); err != nil || !strings.HasSuffix(said.String(), "end\n") {
		t.Errorf("stream on %s/%s: %v: %s; it said\n%s", s.os, s.arch, err, errs.String(), said.String())
	}
	return said.String()
}
