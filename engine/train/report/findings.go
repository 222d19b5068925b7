package report

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"alexnet/engine"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline"
)

// findingsSection describes in sentences how the run went.
var findingsSection = Section{
	Make: func(ctx context.Context, s *Subject) (any, error) {
		all, err := findings(ctx, s)
		if err != nil || all == nil {
			return nil, err
		}
		var texts []string
		for _, f := range all {
			if s.Tell != nil {
				s.Tell(f)
			}
			text := f.String()
			if s.Words != nil {
				text = f.In(s.Words)
			}
			texts = append(texts, text)
		}
		return texts, nil
	},
	HTML: `
<h2>In short</h2>
<ul>{{range .}}
  <li>{{.}}</li>{{end}}
</ul>
`,
}

const (
	worstClasses = 3
	// A training error lower than the validation error by this amount is a sign of
	// overfitting, since crops and dropout make training harder.
	overfitted = 0.15
	// A validation loss this many times its lowest value is another sign, if the training
	// error is lower by `lower`; otherwise it is the noise of a good net's loss.
	lossRises = 1.1
	lower     = 0.03
	// The fraction of a run after which a lowest error shows that the run was too short.
	stillFalls = 0.9
	// Fewer validation pictures can't show overfitting: an error of a half is known to 14 %
	// at best. Fewer pictures of a class can't describe the class.
	fewHeld, fewOfClass = 50, 5
)

// findings returns the worst classes, signs of overfitting, and advice.
func findings(ctx context.Context, s *Subject) (all []setting.Text, err error) {
	held := 0
	if s.Split == "Validation" {
		held = s.Pictures.Len()
	}
	if !s.Quick && held >= fewOfClass*s.Model.Net.Classes {
		outcomes, err := s.classified(ctx)
		if err != nil {
			return nil, err
		}
		if worst := worst(s.Pictures.Meta().Classes, outcomes); worst != "" {
			all = append(all, setting.Textf("hardest classes: %s", worst))
		}
	}
	if f, ok := fit(s.Metrics, s.Model.Net.Classes, held, s.setting); ok {
		all = append(all, f)
	}
	return all, nil
}

// shortNames returns the classes' titles up to the first comma, after which ImageNet has
// synonyms; but whole ones where that would give two classes one name.
func shortNames(list []pipeline.Class) []string {
	names, used := make([]string, len(list)), map[string]int{}
	for i, c := range list {
		names[i], _, _ = strings.Cut(c.Title(), ", ")
		used[names[i]]++
	}
	for i, c := range list {
		if used[names[i]] > 1 {
			names[i] = c.Title()
		}
	}
	return names
}

// worst names the classes with the highest errors and the classes guessed in their place.
func worst(list []pipeline.Class, outcomes []outcome) string {
	names := shortNames(list)
	type class struct {
		name, guess string
		error       float64
	}
	var classes []class
	c := newConfusion(names, outcomes)
	for i, counts := range c.Counts {
		n, guess := sum(counts), -1
		for j, k := range counts {
			if j != i && k > 0 && (guess < 0 || k > counts[guess]) {
				guess = j
			}
		}
		if guess >= 0 {
			classes = append(classes, class{names[i], names[guess], float64(n-counts[i]) / float64(n)})
		}
	}
	slices.SortStableFunc(classes, func(a, b class) int {
		switch {
		case a.error > b.error:
			return -1
		case a.error < b.error:
			return 1
		}
		return 0
	})
	var words []string
	for _, c := range classes[:min(worstClasses, len(classes))] {
		words = append(words, fmt.Sprintf("%s %.0f %% wrong, most as %s", printable.Name(c.name), 100*c.error, printable.Name(c.guess)))
	}
	return strings.Join(words, "; ")
}

// setting returns the run's value of a setting, "" for none.
func (s *Subject) setting(name string) string {
	for _, f := range s.Settings {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// doubt is two standard deviations of the error of random guesses on this number of
// pictures.
func doubt(classes, pictures int) float64 {
	right := 1 / float64(classes)
	return 2 * math.Sqrt(right*(1-right)/float64(pictures))
}

// fit reports whether the net has memorised the training pictures, or learnt too little,
// and advises settings that the run didn't have; ok is false without training. held is
// the number of validation pictures.
func fit(metrics []engine.Metrics, classes, held int, has func(setting string) string) (f setting.Text, ok bool) {
	var val []engine.Metrics
	var lastTrain engine.Metrics
	for _, m := range metrics {
		if m.Split == "val" {
			val = append(val, m)
		} else {
			lastTrain = m
		}
	}
	if lastTrain.Step == 0 {
		return f, false
	}
	if len(val) == 0 && has("val") != "" {
		return setting.Textf("the training stopped before its first validation, so nobody knows what it makes of other pictures"), true
	}
	if len(val) == 0 {
		return setting.Textf("nothing was validated, so nobody knows what it makes of other pictures: give %s", setting.Name("val")), true
	}
	_, best, _ := Summary(metrics)
	last, lowest := val[len(val)-1], val[0]
	for _, m := range val {
		if m.Loss < lowest.Loss {
			lowest = m
		}
	}
	// Means over an epoch with several lines: single steps are noisy.
	sum, n := 0.0, 0
	for _, m := range metrics {
		if m.Split == "train" && m.Epoch == lastTrain.Epoch {
			sum, n = sum+m.Top1Error, n+1
		}
	}
	training := sum / float64(n)
	longer := setting.Textf("more %s", setting.Name("epochs"))
	if epochs, err := strconv.Atoi(has("epochs")); err == nil && lastTrain.Epoch < epochs {
		longer = setting.Textf("training longer") // another limit has ended it
	}
	switch {
	case held < fewHeld:
		return setting.Textf("%s to validate on: too few to tell whether the net overfits", printable.Count(held, "picture")), true
	case engine.AtChance(best.Top1Error+doubt(classes, held), classes):
		if has("init") == string(engine.InitHe) { // as in the recipes for small sets
			return setting.Textf("the net still guesses: try %s, or another %s", longer, setting.Name("lr")), true
		}
		return setting.Textf("the net still guesses: try %s, or %s", setting.Suggest("recipe", "small"), longer), true
	case best.Top1Error-training > overfitted || last.Loss > lossRises*lowest.Loss && lowest.Epoch < last.Epoch && last.Top1Error-training > lower:
		text := fmt.Sprintf("signs of overfitting: training error %.1f %%, validation error %.1f %%", 100*training, 100*last.Top1Error)
		if lowest.Epoch < last.Epoch {
			text += fmt.Sprintf(", and the validation loss has risen from %.2f after epoch %d to %.2f", lowest.Loss, lowest.Epoch, last.Loss)
		}
		help := []any{setting.Suggest("crop", "resized"), setting.Suggest("jitter", "0.4,0.4,0.4"), setting.Suggest("label-smoothing", 0.1)}
		format := "%s: try more pictures"
		values := []any{text}
		for i, name := range []string{"crop", "jitter", "label-smoothing"} {
			if used := has(name); used == "" || used == "random" || used == "0" {
				format += ", %s"
				values = append(values, help[i])
			}
		}
		return setting.Textf(format, values...), true
	case float64(best.Step) >= stillFalls*float64(last.Step):
		return setting.Textf("no sign of overfitting, and the validation error was still falling: %s may lower it", longer), true
	}
	return setting.Textf("no sign of overfitting; the lowest validation error came after epoch %d of %d", best.Epoch, last.Epoch), true
}
