package tensorboard

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// One event, by hand: length 31, wall time 1.5, step 300, summary of one value
// "loss" = 0.25.
func TestWriteBytes(t *testing.T) {
	var b bytes.Buffer
	w := &Writer{w: &b}
	if err := w.Write(300, time.Unix(1, 5e8), Scalar{"loss", 0.25}); err != nil {
		t.Fatal(err)
	}
	got := hex.EncodeToString(b.Bytes()[12 : b.Len()-4])
	want := "09000000000000f83f" + "10ac02" + "2a0d" + "0a0b" + "0a046c6f7373" + "150000803e"
	if got != want {
		t.Errorf("event %s, want %s", got, want)
	}
	if n := b.Bytes()[0]; int(n) != len(want)/2 {
		t.Errorf("length %d, want %d", n, len(want)/2)
	}
}

// The check value of CRC-32C over "123456789" is e3069283.
func TestMasked(t *testing.T) {
	const crc = 0xe3069283
	if got, want := masked([]byte("123456789")), uint32((crc>>15|crc<<17)&0xffffffff)+0xa282ead8; got != want {
		t.Errorf("masked %08x, want %08x", got, want)
	}
}

// TensorBoard's own reader reads two sessions, and leaves out what the first
// one wrote beyond the checkpoint from which the second went on.
func TestTensorBoardReads(t *testing.T) {
	python := os.Getenv("PEERS_PYTHON")
	if python == "" {
		t.Skip("PEERS_PYTHON names no Python with the package tensorboard")
	}
	dir := t.TempDir()
	for _, session := range []struct{ after, to uint64 }{{0, 30}, {20, 40}} {
		w, err := Create(dir, session.after)
		if err != nil {
			t.Fatal(err)
		}
		for step := session.after + 10; step <= session.to; step += 10 {
			if err := w.Write(step, time.Now(), Scalar{"loss", 100/float64(step) + float64(session.after)}, Scalar{"top1_error", 0.5}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond) // files are read in order of their names
	}
	const script = `import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1]); a.Reload()
for tag in sorted(a.Tags()["scalars"]):
    print(tag, " ".join("%d:%.2f" % (e.step, e.value) for e in a.Scalars(tag)))`
	out, err := exec.Command(python, "-c", script, dir).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := "loss 10:10.00 20:5.00 30:23.33 40:22.50\ntop1_error 10:0.50 20:0.50 30:0.50 40:0.50\n"
	if got := strings.ReplaceAll(string(out), "\r", ""); got != want {
		t.Errorf("TensorBoard reads\n%swant\n%s", got, want)
	}
}
