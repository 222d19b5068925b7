package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"alexnet/internal/printable"
	"alexnet/internal/setting"
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
	{"run-145-2010", "the run behind the paper's ILSVRC-2010 figures, in every change that its ledger has (layer-params-145-2010.cfg of the published source)", 0,
		json.RawMessage(`{"net": "alexnet-145", "mean": "image", "schedule": "step", "drop-at": "23,51,78", "epochs": 93, "changes": [
			{"after": 68, "layer-rates": "conv1=0.1", "noise": "off"}, {"after": 72, "freeze": "conv1"}]}`)},
	{"run-145-2012", "the same of ILSVRC-2012 (layer-params-145.cfg)", 0,
		json.RawMessage(`{"net": "alexnet-145", "mean": "image", "schedule": "step", "drop-at": "25,51,79", "epochs": 91, "changes": [
			{"after": 67, "layer-rates": "conv1=0.1", "noise": "off"}, {"after": 72, "freeze": "conv1"}]}`)},
	// Pre-training: each begins with the weights of the one before (From). The ledgers' 2.16,
	// 6.65 and 8.1 epochs are whole ones here, and fc8's rate of ten times, from step 300 on
	// there, begins with the run.
	{"run-146-2009", "pre-training on the 10,000 classes of 2009, from run 145: a sixth convolution, and new dense layers (layer-params-146-2009.cfg)", 0,
		json.RawMessage(`{"net": "alexnet-146", "from-layers": "conv", "mean": "image", "schedule": "constant", "lr": 0.01, "epochs": 7,
			"layer-rates": "conv1=0.1,conv2=0.1,conv3=0.1,conv4=0.1,conv5=0.1", "changes": [{"after": 2, "lr": 0.001, "layer-rates": ""}]}`)},
	{"run-146-2011", "pre-training on the 20,000 classes of 2011, from run-146-2009's convolutions (layer-params-146-2011.cfg)", 0,
		json.RawMessage(`{"net": "alexnet-146", "from-layers": "conv", "mean": "image", "schedule": "constant", "lr": 0.01, "epochs": 8,
			"layer-rates": "conv1=0.1,conv2=0.1,conv3=0.1,conv4=0.1,conv5=0.1,conv6=0.1", "changes": [{"after": 6, "lr": 0.001, "layer-rates": ""}]}`)},
	{"run-146-2012", "fine-tuning run-146-2011 on ILSVRC-2012 (layer-params-146-2012-2011.cfg)", 0,
		json.RawMessage(`{"net": "alexnet-146", "from-layers": "all", "mean": "image", "schedule": "constant", "lr": 0.001, "epochs": 54, "layer-rates": "conv1=0.1,fc8=10", "changes": [
			{"after": 5, "layer-rates": "conv1=0.01,fc8=10"}, {"after": 7, "freeze": "conv1"}, {"after": 9, "layer-rates": ""},
			{"after": 22, "lr": 0.0001}, {"after": 38, "noise": "off"}, {"after": 42, "lr": 0.00001}]}`)},
	// Rates (epsW) are the layer files', decays and the biases' double rate the nets'. The
	// length is that of layer-params-conv-local-11pct.cfg: 350 epochs on four fifths of the
	// pictures and 150 on all are 500 on all here, then ÷10 for ten epochs, twice. The file
	// of 13 % names a page that is gone, and has the same length here. Neither file has the
	// number of pictures in a step, which was cuda-convnet's 128.
	{"cifar-13pct", "CIFAR-10 with the net of 13 % error (layer-params-conv-local-13pct.cfg of cuda-convnet)", 0,
		json.RawMessage(`{"net": "cifar-13pct", "mean": "image", "noise": "off", "batch": 128, "lr": 0.001, "schedule": "step", "drop-at": "500,510", "epochs": 520}`)},
	{"cifar-11pct", "CIFAR-10 with the net of 11 % error (layer-params-conv-local-11pct.cfg)", 0,
		json.RawMessage(`{"net": "cifar-11pct", "mean": "image", "noise": "off", "batch": 128, "lr": 0.001, "schedule": "step", "drop-at": "500,510", "epochs": 520}`)},
	// ÷10 after 120 epochs and again ten later; that it ends after ten more is ours.
	{"cifar-18pct", "CIFAR-10 with the net of 18 % error, whole pictures and unmirrored (layer-params-18pct.cfg)", 0,
		json.RawMessage(`{"net": "cifar-18pct", "without": "crops", "mean": "image", "noise": "off", "batch": 128, "lr": 0.001, "schedule": "step", "drop-at": "120,130", "epochs": 140}`)},
	// The paper has "a four-layer convolutional network", no regularisation, and a rate of
	// its own for each nonlinearity; net, batch, first rate and length are ours.
	{"figure-1", "the paper's figure 1, ReLU against tanh on CIFAR-10, without any regularisation", 0,
		json.RawMessage(`{"net": "cifar-13pct", "without": "crops,decay", "mean": "image", "noise": "off", "batch": 128, "lr": 0.001, "schedule": "constant", "epochs": 40}`)},
}

// Values returns the settings that differ from Defaults, in the recipe's order.
func (r Recipe) Values() (all []Value, err error) {
	d := json.NewDecoder(bytes.NewReader(r.Settings))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		all = append(all, Value{fmt.Sprint(name), strings.Trim(string(value), `"`)})
	}
	return all, nil
}

// Value is a setting of a recipe, with its value in JSON without quotes.
type Value struct{ Setting, Text string }

// RecipeNames lists the recipes.
func RecipeNames() []string {
	names := make([]string, len(Recipes))
	for i, r := range Recipes {
		names[i] = r.Name
	}
	return names
}

// RecipeTable describes what each recipe changes, one a line, with the settings named
// in such words.
func RecipeTable(w setting.Words) string {
	var b strings.Builder
	for _, r := range Recipes {
		values, err := r.Values()
		if err != nil {
			panic(err) // a recipe of this file
		}
		if len(values) == 0 {
			continue
		}
		fmt.Fprintf(&b, "  %-13s", r.Name)
		for _, v := range values {
			if strings.HasPrefix(v.Text, "[") { // too long for a line
				fmt.Fprintf(&b, " and %s on the way", v.Setting)
				continue
			}
			b.WriteString(" " + w.Value(v.Setting, v.Text))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// FindRecipe returns the recipe with a name.
func FindRecipe(name string) (Recipe, error) {
	for _, r := range Recipes {
		if r.Name == name {
			return r, nil
		}
	}
	return Recipe{}, fmt.Errorf("no recipe called %q: there are %s", name, strings.Join(RecipeNames(), ", "))
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

// Decides reports whether the recipe sets a setting.
func (r Recipe) Decides(name string) bool {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(r.Settings, &values); err != nil {
		return false
	}
	return values[name] != nil
}

// firstSettings lists the settings of the first steps, which belong together: a user who
// gives one of them gets no recipe by default.
func firstSettings() []string { return []string{"init", "input-scale", "warmup"} }

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
	if c.From != "" && !given("input-scale") {
		c.InputScale = 0 // that of the weights
	}
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

// Complete sets what was not given. If c goes on with a run, the values are that run's
// (see Inherit). Else they come from the recipe c.Recipe, or, if that is "", from the one
// for the number of pictures in c.Train; but from none where init,
// input-scale or warmup was given. given may be nil: then the settings that differ
// from Defaults were given. The note says which recipe was chosen without a name, or
// would suit; it may be empty. Prepare reports data that can't be opened.
func (c *Config) Complete(ctx context.Context, given func(setting string) bool) (about Note, err error) {
	if given == nil {
		if given, err = c.unlikeDefaults(); err != nil {
			return about, err
		}
	}
	if c.Resumes() {
		return about, c.Inherit(given)
	}
	if _, err := FindRecipe(c.Recipe); c.Recipe != "" && err != nil {
		return about, setting.Invalidf("%s: %w", setting.Name("recipe"), err)
	}
	if c.Train == "" {
		return about, nil
	}
	d, err := c.Access.Open(ctx, c.Train, func(string) {})
	if err != nil {
		return about, nil
	}
	images := d.Len()
	if err := d.Close(); err != nil {
		return about, err
	}
	return c.chooseFor(images, given)
}

// unlikeDefaults reports which settings differ from Defaults.
func (c *Config) unlikeDefaults() (func(setting string) bool, error) {
	is, err1 := values(*c)
	was, err2 := values(Defaults())
	return func(name string) bool { return !bytes.Equal(is[name], was[name]) }, errors.Join(err1, err2)
}

// chooseFor is Complete for a new run on so many pictures.
func (c *Config) chooseFor(images int, given func(setting string) bool) (about Note, err error) {
	if c.Recipe != "" {
		named, err := FindRecipe(c.Recipe)
		if err != nil {
			return about, nil // of a file, which is read later
		}
		return about, named.Apply(c, images, given)
	}
	r := RecipeFor(images)
	if slices.ContainsFunc(firstSettings(), given) {
		if r.Name != "paper" {
			about = setting.Textf("note: what isn't given is the paper's, for a million pictures; %s suits %s", setting.Suggest("recipe", r.Name), printable.Count(images, "picture"))
		}
		return about, nil
	}
	about = setting.Textf("recipe %s: %s; %s to train on (%s chooses another)", r.Name, r.About, printable.Count(images, "picture"), setting.Name("recipe"))
	return about, r.Apply(c, images, given)
}

// batch is the recipe's batch.
func (r Recipe) batch() int {
	c := Defaults()
	if err := json.Unmarshal(r.Settings, &c); err != nil {
		panic(err) // a recipe of this file
	}
	return c.Batch
}
