package command

import (
	"bytes"
	"slices"
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

// TestWrapHelp: the lines of a help fit, no word is lost or broken, and columns stay
// columns where there is room.
func TestWrapHelp(t *testing.T) {
	help := `NAME:
   tool - does it

USAGE:
   tool --checkpoint runs/first/checkpoints/best.safetensors photographs/ --sheet guesses.png

DESCRIPTION:
   Takes picture files, folders of them, and with - a list of files on standard input, one a line. Pictures are
   turned upright.
   A new line.

     small         --init he --input-scale 0.015625 --warmup 50 --batch 16 --lr 0.01 --schedule cosine

OPTIONS:
   --batch N  N crops at once, of which the last are fewer if the pictures end (default: 20)
   --checkpoint FILE [ --checkpoint FILE ]  checkpoint FILE, or a run folder for its best one
`
	for columns := 40; columns <= 120; columns++ {
		got := wrapHelp(help, columns)
		if !slices.Equal(strings.Fields(got), strings.Fields(help)) {
			t.Fatalf("at %d columns, other words:\n%s", columns, got)
		}
		for _, line := range strings.Split(got, "\n") {
			if len(line) > columns && !strings.Contains(help, line) { // USAGE
				t.Errorf("at %d columns: %q", columns, line)
			}
		}
	}
	const want = `DESCRIPTION:
   Takes picture files, folders of them, and with -
   a list of files on standard input, one a line.
   Pictures are turned upright.
   A new line.

     small         --init he --input-scale 0.015625
                   --warmup 50 --batch 16 --lr 0.01
                   --schedule cosine

OPTIONS:
   --batch N  N crops at once, of which the last
              are fewer if the pictures end
              (default: 20)
   --checkpoint FILE [ --checkpoint FILE ]
      checkpoint FILE, or a run folder for its best
      one
`
	if got := wrapHelp(help, 51); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
