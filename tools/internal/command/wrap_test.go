package command

import (
	"bytes"
	"strings"
	"testing"
)

// TestFold: long lines break between words, but not within what people paste.
func TestFold(t *testing.T) {
	for _, c := range []struct {
		line string
		want string
	}{
		{"short\n", "short\n"},
		{"note: the shards would take about 822 KiB, which is little\n", "note: the shards would take about 822\n  KiB, which is little\n"},
		{"saved last.safetensors; go on with: train-alexnet --run runs/photos --resume\n", "saved last.safetensors; go on with:\n  train-alexnet --run runs/photos --resume\n"},
		{"hint: 300 steps are too few; paste: --epochs 80 --batch=16 --lr 0.1 as it is\n", "hint: 300 steps are too few; paste:\n  --epochs 80 --batch=16 --lr 0.1 as it\n  is\n"},
		{"train-alexnet: --data is required (see train-alexnet eval --help)\n", "train-alexnet: --data is required (see\n  train-alexnet eval --help)\n"},
		{"look at " + strings.Repeat("x", 50) + " and on\n", "look at\n  " + strings.Repeat("x", 50) + "\n  and on\n"},
		{"  train-alexnet --train runs/photos/shards/train --run runs/photos\n", "  train-alexnet --train runs/photos/shards/train --run runs/photos\n"},
		{"größer größer größer größer größer größer", "größer größer größer größer größer\n  größer"},
	} {
		if got := fold(c.line, 40); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	var b bytes.Buffer
	for _, write := range []func(){
		func() { prose{&b, 20}.Write([]byte("one line that is long\nand another one here\n")) },
		func() { (&Line{w: &b, width: 20}).Print("note: %s is too long a word", "a\x1b") },
	} {
		write()
	}
	if want := "one line that is\n  long\nand another one here\nnote: \"a\\x1b\" is too\n  long a word\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	if w := Prose(&b); w != &b {
		t.Error("what is no terminal is wrapped")
	}
}
