package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// Recipe is a named set of settings for training sets of some size.
type Recipe struct {
	Name, About string
	// UpTo is the largest training set, in pictures, for which RecipeFor chooses it;
	// 0 means that only people choose it.
	UpTo int
	// Settings are a Config in JSON with only the settings that differ from Defaults.
	Settings json.RawMessage
}

// Recipes lists the named recipes, those for the smallest training sets first.
// docs/training.md gives the source of each setting.
var Recipes = []Recipe{
	{"small", "for a few thousand pictures, with weights that begin by fan-in, small input numbers, a short warm-up, small batches, a cosine", 20_000,
		json.RawMessage(`{"init": "he", "input-scale": 0.015625, "warmup": 50, "batch": 16, "lr": 0.01, "schedule": "cosine", "epochs": 60}`)},
	{"medium", "for some ten or hundred thousand pictures, as small with batches of 64", 300_000,
		json.RawMessage(`{"init": "he", "input-scale": 0.015625, "warmup": 200, "batch": 64, "lr": 0.01, "schedule": "cosine", "epochs": 60}`)},
	{"paper", "the paper's (§5), for a million pictures", 0, json.RawMessage(`{}`)},
	{"run-145-2010", "the rate of the run behind the paper's ILSVRC-2010 figures: ÷10 after 23, 51 and 78 of 93 epochs (layer-params-145-2010.cfg of the published source)", 0,
		json.RawMessage(`{"net": "alexnet-145", "schedule": "step", "drop-at": "23,51,78", "epochs": 93}`)},
	{"run-145-2012", "the same of ILSVRC-2012: ÷10 after 25, 51 and 79 epochs", 0,
		json.RawMessage(`{"net": "alexnet-145", "schedule": "step", "drop-at": "25,51,79", "epochs": 93}`)},
}

// FindRecipe returns the recipe with a name.
func FindRecipe(name string) (Recipe, error) {
	var names []string
	for _, r := range Recipes {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return Recipe{}, fmt.Errorf("no recipe called %q: there are %s", name, strings.Join(names, ", "))
}

// RecipeFor returns the recipe for a training set with that many pictures. For a
// larger set than all limits it is the paper's recipe.
func RecipeFor(images int) Recipe {
	for _, r := range Recipes {
		if images <= r.UpTo {
			return r
		}
	}
	r, err := FindRecipe("paper")
	if err != nil {
		panic(err)
	}
	return r
}

// Decides lists the settings that recipes decide.
func Decides() []string { return []string{"init", "input-scale", "warmup", "batch", "lr", "schedule"} }

// Start lists the settings of the first steps, which belong together: a user who
// gives one of them gets no recipe by default.
func Start() []string { return []string{"init", "input-scale", "warmup"} }

// Apply sets the recipe's settings that were not given. images is the size of the
// training set, 0 if it is not known. The warm-up becomes at most a tenth of the run.
func (r Recipe) Apply(c *Config, images int, given func(setting string) bool) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(r.Settings, &values); err != nil {
		return fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	maps.DeleteFunc(values, func(name string, _ json.RawMessage) bool { return given(name) })
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, c); err != nil {
		return fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	c.Recipe = r.Name
	if _, ok := values["warmup"]; ok {
		steps := uint64(max(c.Epochs, 0)) * uint64(images/max(c.Batch, 1))
		if c.Steps > 0 {
			steps = min(steps, c.Steps)
		}
		if images > 0 {
			c.Warmup = min(c.Warmup, steps/10)
		}
	}
	return nil
}

// batch is the recipe's batch.
func (r Recipe) batch() int {
	c := Defaults()
	if err := json.Unmarshal(r.Settings, &c); err != nil {
		panic(err) // a recipe of this file
	}
	return c.Batch
}
