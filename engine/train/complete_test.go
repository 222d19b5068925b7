package train

import (
	"slices"
	"strings"
	"testing"
)

// TestComplete: by name, by the number of pictures, or not at all where the run or
// the user has settings of the first steps; the note says which.
func TestComplete(t *testing.T) {
	dir := t.TempDir()
	small(t, dir) // makes 48 pictures
	for _, test := range []struct {
		name   string
		change func(*Config)
		given  []string
		recipe string // that was applied
		note   string
	}{
		{"by number", func(c *Config) {}, nil, "small", `recipe small: for a few thousand pictures, `},
		{"by name", func(c *Config) { c.Recipe = "medium" }, nil, "medium", ""},
		{"given start", func(c *Config) {}, []string{"warmup"}, "", "note: what isn't given is the paper's, for a million pictures; recipe small suits 48 pictures"},
		{"given other", func(c *Config) {}, []string{"batch"}, "small", `48 pictures to train on ("recipe" chooses another)`},
		{"fine-tuning", func(c *Config) { c.From, c.InputScale = "net.safetensors", 0 }, nil, "small", "recipe small: "},
		{"resumed", func(c *Config) { c.Resume, c.Recipe = true, "medium" }, nil, "medium", ""},
		{"no data", func(c *Config) { c.Train = dir + "/none" }, nil, "", ""},
	} {
		c := small(t, dir)
		c.Run, c.Batch = dir+"/none", 7
		test.change(&c)
		note, err := c.Complete(t.Context(), func(name string) bool { return slices.Contains(test.given, name) })
		if err != nil || c.Recipe != test.recipe || !strings.Contains(note.String(), test.note) || (note.String() == "") != (test.note == "") {
			t.Errorf("%s: recipe %q, note %q, error %v; want %q, %q", test.name, c.Recipe, note, err, test.recipe, test.note)
		}
		applied := test.recipe != "" && !c.Resume && !slices.Contains(test.given, "batch")
		if (c.Batch != 7) != applied {
			t.Errorf("%s: %d pictures in a step", test.name, c.Batch)
		}
		if c.From != "" && c.InputScale != 0 {
			t.Errorf("%s: pixels at another scale, %g, than the weights'", test.name, c.InputScale)
		}
	}
	c := small(t, dir)
	c.Recipe = "tiny"
	if _, err := c.Complete(t.Context(), func(string) bool { return false }); err == nil || !strings.HasPrefix(err.Error(), `"recipe": no recipe called "tiny"`) {
		t.Errorf("error %v", err)
	}
}

// TestCompleteGoesOn: what a program sets itself, it has given; the rest is a recipe's,
// and when the same program goes on, the run's.
func TestCompleteGoesOn(t *testing.T) {
	dir := t.TempDir()
	of := small(t, dir)
	for _, steps := range []uint64{2, 4} {
		c := Defaults()
		c.Train, c.Val, c.Run, c.AutoResume = of.Train, of.Val, of.Run, true
		c.Net, c.Devices, c.Decay, c.Steps = of.Net, "cpu", 0.25, steps
		about, err := c.Complete(t.Context(), nil)
		if err != nil || (about.String() == "") != (steps == 4) {
			t.Fatalf("%q, %v", about, err)
		}
		if c.Recipe != "small" || c.Batch != 16 || c.Init != "he" || c.Warmup != 0 || c.Decay != 0.25 || c.Net != of.Net || c.Steps != steps {
			t.Errorf("to %d steps: %+v", steps, c)
		}
		if r, err := Run(t.Context(), c, nil); err != nil || r.Steps != steps {
			t.Fatalf("%+v, %v", r, err)
		}
	}
}

// TestLookAhead: pictures become shards with a validation set, so that settings which
// need one are good; bad ones are found before any work, and a recipe names the net.
func TestLookAhead(t *testing.T) {
	never := func(string) bool { return false }
	c := Defaults()
	c.Run, c.EarlyStop, c.Recipe = "run", 2, "run-145-2012"
	if err := c.lookAhead(never); err != nil || c.Net != "alexnet-145" || c.Train != "" || c.Batch != Defaults().Batch {
		t.Errorf("net %s, data %q, error %v", c.Net, c.Train, err)
	}
	c.Batch = 0
	if err := c.lookAhead(never); err == nil || !strings.HasPrefix(err.Error(), "batch 0: want at least 1") {
		t.Errorf("error %v", err)
	}
}
