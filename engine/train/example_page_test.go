package train_test

import (
	"context"
	"log"
	"os"
	"os/signal"
	"strings"
	"testing"

	"alexnet/engine/train"
)

// The program of docs/library.md. It is compiled, and runs on shards of your own.
func Example_program() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) // saves, and the next call goes on
	defer stop()
	c := train.Defaults()
	c.Train, c.Val, c.Run = "shards/train", "shards/val", "runs/first"
	c.AutoResume = true // begin the run, or go on with it
	c.Net, c.Batch, c.Epochs = "alexnet-mini", 30, 4
	c.Init, c.InputScale, c.LR, c.Warmup = "he", 1.0/64, 0.01, 5
	r, err := train.Run(ctx, c, train.Lines(os.Stderr))
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("%s after %d steps: %s", r.Stop, r.Steps, r.BestCheckpoint)
}

// TestLibraryPage: docs/library.md prints Example_program as its main.
func TestLibraryPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/library.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_page_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(source), "func Example_program() {\n")
	body, _, end := strings.Cut(body, "\n}\n")
	if !ok || !end || !strings.Contains(string(page), "\nfunc main() {\n"+body+"\n}\n```\n") {
		t.Errorf("docs/library.md's main isn't Example_program:\n%s", body)
	}
}
