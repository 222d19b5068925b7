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

// The program of docs/library.md and README. It is compiled, and runs on shards of your own.
func Example_program() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) // saves, and the next call goes on
	defer stop()
	c := train.Defaults()
	c.Train, c.Val, c.Run = "shards/train", "shards/val", "runs/first"
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
