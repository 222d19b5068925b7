package train_test

import (
	"context"
	"errors"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/train"
	"alexnet/pipeline/shards/shardstest"
)

// The program of docs/library.md and README. It runs on shards of your own, and here in
// TestProgram.
func Example_program() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) // saves, and the next call goes on
	defer stop()
	c := train.Defaults()
	c.Train, c.Val, c.Run = "shards/train", "shards/val", "runs/mine"
	c.AutoResume = true // begin the run, or go on with it
	// Choose the recipe for so many pictures, or take the settings of the run.
	if _, err := c.Complete(ctx, nil); err != nil {
		log.Fatal(err)
	}
	r, err := train.Run(ctx, c, train.Lines(os.Stderr))
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("%s after %d steps: %s", r.Stop, r.Steps, r.BestCheckpoint)
}

// stopAt ends a run's context after a step.
type stopAt struct {
	train.Silent
	step uint64
	stop func()
}

func (s stopAt) Progress(p train.Progress) {
	if p.Event == train.Stepped && p.Step == s.step {
		s.stop()
	}
}

// TestProgram runs the program where a run of a small net has been stopped: it goes on with
// the run's settings, to its end.
func TestProgram(t *testing.T) {
	net, err := filepath.Abs("testdata/tiny.json")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	shardstest.Stripes(t, "shards/train", "train", 3, 16, 32)
	shardstest.Stripes(t, "shards/val", "val", 3, 4, 32)
	c := train.Defaults()
	c.Train, c.Val, c.Run = "shards/train", "shards/val", "runs/mine"
	c.Net, c.Devices, c.Batch, c.Epochs, c.Init, c.LR = net, "cpu", 6, 2, "he", 0.01
	ctx, stop := context.WithCancel(t.Context())
	if _, err := train.Run(ctx, c, stopAt{step: 3, stop: stop}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	var said strings.Builder
	log.SetOutput(&said)
	defer log.SetOutput(os.Stderr)
	Example_program()
	if want := "all epochs are done after 16 steps: " + filepath.Join("runs", "mine", "checkpoints", "best.safetensors"); !strings.Contains(said.String(), want) {
		t.Errorf("the program said %q, want %q", said.String(), want)
	}
}

// TestLibraryPage: docs/library.md and README print Example_program as their main.
func TestLibraryPage(t *testing.T) {
	source, err := os.ReadFile("example_page_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(source), "func Example_program() {\n")
	body, _, end := strings.Cut(body, "\n}\n")
	if !ok || !end {
		t.Fatal("example_page_test.go has another form")
	}
	for _, path := range []string{"../../docs/library.md", "../../README.md"} {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "\nfunc main() {\n"+body+"\n}\n```\n") {
			t.Errorf("%s: its main isn't Example_program:\n%s", path, body)
		}
	}
}
