package train_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"alexnet/engine/train"
)

func never(string) bool { return false }

func TestRecipeFor(t *testing.T) {
	for images, want := range map[int]string{1: "small", 9469: "small", 20_000: "small", 20_001: "medium", 50_000: "medium", 300_001: "paper", 1_281_167: "paper"} {
		if got := train.RecipeFor(images).Name; got != want {
			t.Errorf("%d pictures: recipe %s, want %s", images, got, want)
		}
	}
}

// TestRecipesApply: a recipe sets what isn't given, of settings that there are, and
// the paper's is what Defaults has.
func TestRecipesApply(t *testing.T) {
	for _, r := range train.Recipes {
		c := train.Defaults()
		if err := r.Apply(&c, 0, never); err != nil {
			t.Fatal(err)
		}
		c.Train, c.Run = "shards", "run"
		if err := c.Validate(); err != nil {
			t.Errorf("recipe %s: %v", r.Name, err)
		}
	}
	small, err := train.FindRecipe("small")
	if err != nil {
		t.Fatal(err)
	}
	c := train.Defaults()
	c.Batch = 48
	if err := small.Apply(&c, 0, func(name string) bool { return name == "batch" }); err != nil {
		t.Fatal(err)
	}
	if c.Batch != 48 || c.Init != "he" || c.Warmup != 50 || c.Recipe != "small" {
		t.Errorf("batch %d, init %s, warm-up %d, recipe %q", c.Batch, c.Init, c.Warmup, c.Recipe)
	}
	c = train.Defaults()
	c.Steps = 40
	if err := small.Apply(&c, 1000, never); err != nil {
		t.Fatal(err)
	}
	if c.Warmup != 4 {
		t.Errorf("a warm-up of %d steps in a run of 40, want 4", c.Warmup)
	}
	if _, err := train.FindRecipe("tiny"); err == nil {
		t.Error("a recipe that isn't there is found")
	}
}

// TestRunRecipes holds the rates of run 145 against layer-params-145-2010.cfg of the
// published source, which lowers epsW of all layers after those epochs.
func TestRunRecipes(t *testing.T) {
	for name, drops := range map[string]string{"run-145-2010": "23,51,78", "run-145-2012": "25,51,79"} {
		r, err := train.FindRecipe(name)
		if err != nil {
			t.Fatal(err)
		}
		c := train.Defaults()
		if err := r.Apply(&c, 1_200_000, never); err != nil {
			t.Fatal(err)
		}
		if c.DropAt != drops || c.Net != "alexnet-145" || c.Schedule != "step" || c.Batch != 128 || c.LR != .01 {
			t.Errorf("%s: %+v", name, c)
		}
		if names := slices.Contains(train.Decides(), "schedule"); !names {
			t.Error("the schedule is no setting of recipes")
		}
	}
}

// TestProgressFits: the second form fits 80 columns and the last 50 while numbers are
// those of a long run.
func TestProgressFits(t *testing.T) {
	p := train.Progress{Event: train.Stepped, Epochs: 90, Steps: 900_720, Left: 130 * time.Hour, Pace: train.Pace{Bottleneck: "training"}}
	p.Epoch, p.Step, p.Loss, p.Top1Error, p.ImagesPerSec = 45, 450_360, 2.345, .1234, 1234.5
	forms := p.Forms()
	for i, most := range map[int]int{1: 79, len(forms) - 2: 62, len(forms) - 1: 49} {
		if n := utf8.RuneCountInString(forms[i]); n > most {
			t.Errorf("%q has %d characters, want at most %d", forms[i], n, most)
		}
		for _, word := range []string{"error 12.3 %", "left"} {
			if !strings.Contains(forms[i], word) {
				t.Errorf("%q lacks %q", forms[i], word)
			}
		}
	}
	p.Pace.Bottleneck = "decode"
	if f := p.Forms()[1]; !strings.Contains(f, "limit: decode") {
		t.Errorf("%q doesn't name what limits the rate", f)
	}
}

// TestShellWord: bash takes the words for what they are, and runs nothing in them.
func TestShellWord(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, path := range []string{"plain/path-1", "my photos", "it's", "$(touch x)`id`", "esc\x1b[2J;$(touch x)", "ünï", "a\nb", `back\slash`, `\x41` + "\x01"} {
		word := train.ShellWord(path)
		if strings.ContainsFunc(word, func(r rune) bool { return r < ' ' }) {
			t.Errorf("%q is shown raw: %q", path, word)
		}
		if out, err := exec.Command(bash, "-c", "printf %s "+word).Output(); err != nil || string(out) != path {
			t.Errorf("%s is %q to bash, want %q", word, out, path)
		}
	}
}
