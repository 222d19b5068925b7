package report

import (
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/internal/setting"
	"alexnet/pipeline"
)

// TestFit: what a run's figures say of it, in the words of the settings.
func TestFit(t *testing.T) {
	// run has a line of training and one of validation an epoch.
	run := func(training, validation, loss []float64) (all []engine.Metrics) {
		for i := range training {
			all = append(all, engine.Metrics{Split: "train", Epoch: i + 1, Step: uint64(10 * (i + 1)), Top1Error: training[i]})
			if validation != nil {
				all = append(all, engine.Metrics{Split: "val", Epoch: i + 1, Step: uint64(10 * (i + 1)), Top1Error: validation[i], Loss: loss[i]})
			}
		}
		return all
	}
	for _, c := range []struct {
		metrics []engine.Metrics
		want    string
	}{
		{run([]float64{.6, .4}, []float64{.6, .5}, []float64{1.5, 1.3}), "no sign of overfitting, and the validation error was still falling: more \"epochs\""},
		{run([]float64{.6, .2}, []float64{.6, .5}, []float64{1.5, 1.3}), "signs of overfitting: training error 20.0 %, validation error 50.0 %: try more pictures, crop resized"},
		{run([]float64{.6, .3, .25}, []float64{.6, .3, .3}, []float64{1.5, 1, 1.4}), "the validation loss has risen from 1.00 after epoch 2 to 1.40"},
		{run([]float64{.6, .4, .4}, []float64{.6, .4, .45}, []float64{1.5, 1.3, 1.3}), "no sign of overfitting; the lowest validation error came after epoch 2 of 3"},
		{run([]float64{.6, .1, .09}, []float64{.6, .1, .11}, []float64{1.5, .2, .28}), "no sign of overfitting; the lowest validation error came after epoch 2 of 3"},
		{run([]float64{.9, .9}, []float64{.9, .89}, []float64{2.3, 2.3}), "the net still guesses: try recipe small"},
		{run([]float64{.6}, nil, nil), "nothing was validated, so nobody knows what it makes of other pictures: give \"val\""},
	} {
		f, ok := fit(c.metrics, 10, 1000, func(string) string { return "" })
		if !ok || !strings.Contains(f.String(), c.want) {
			t.Errorf("%q, want %q", f.String(), c.want)
		}
	}
	// What the run has already isn't proposed.
	has := func(name string) string {
		return map[string]string{"init": "he", "recipe": "small", "crop": "resized:0.35", "val": "shards/val", "jitter": "", "label-smoothing": "0"}[name]
	}
	for want, metrics := range map[string][]engine.Metrics{
		`the net still guesses: try more "epochs", or another "lr"`:                                         run([]float64{.9, .9}, []float64{.9, .89}, []float64{2.3, 2.3}),
		"the training stopped before its first validation, so nobody knows what it makes of other pictures": run([]float64{.6}, nil, nil),
		"try more pictures, jitter 0.4,0.4,0.4, label-smoothing 0.1":                                        run([]float64{.6, .2}, []float64{.6, .5}, []float64{1.5, 1.3}),
	} {
		if f, _ := fit(metrics, 10, 1000, has); !strings.HasSuffix(f.String(), want) {
			t.Errorf("%q, want %q", f.String(), want)
		}
	}
	// A run that another limit ended has epochs left.
	left := func(name string) string { return map[string]string{"epochs": "60", "init": "he"}[name] }
	for want, metrics := range map[string][]engine.Metrics{
		`the net still guesses: try training longer, or another "lr"`:              run([]float64{.9, .9}, []float64{.9, .89}, []float64{2.3, 2.3}),
		"and the validation error was still falling: training longer may lower it": run([]float64{.6, .4}, []float64{.6, .5}, []float64{1.5, 1.3}),
	} {
		if f, _ := fit(metrics, 10, 1000, left); !strings.HasSuffix(f.String(), want) {
			t.Errorf("%q, want %q", f.String(), want)
		}
	}
	// An error over few pictures is known to some ten percent.
	for held, want := range map[int]string{
		10:   "10 pictures to validate on: too few to tell whether the net overfits",
		50:   "the net still guesses: ",
		1000: "no sign of overfitting, and the validation error was still falling",
	} {
		f, _ := fit(run([]float64{.8, .75}, []float64{.85, .8}, []float64{2.3, 2.3}), 10, held, func(string) string { return "" })
		if !strings.HasPrefix(f.String(), want) {
			t.Errorf("%d pictures: %q, want %q", held, f.String(), want)
		}
	}
	if _, ok := fit(nil, 10, 1000, nil); ok {
		t.Error("nothing was trained, and it says something")
	}
}

// TestFindingsWords: the page names settings as the program does that makes it.
func TestFindingsWords(t *testing.T) {
	s := &Subject{Metrics: []engine.Metrics{{Split: "train", Step: 1, Top1Error: .5}}, Model: &engine.Model{Net: &engine.Net{Classes: 10}}, Quick: true}
	for want, words := range map[string]setting.Words{`give "val"`: nil, "give --val": setting.Flags{}} {
		s.Words = words
		texts, err := findingsSection.Make(t.Context(), s)
		if err != nil || !strings.HasSuffix(strings.Join(texts.([]string), ""), want) {
			t.Errorf("%q, %v; want %q", texts, err, want)
		}
	}
}

// TestWorst: the classes that are taken for others most, with the first of their names.
func TestWorst(t *testing.T) {
	list := []pipeline.Class{{ID: "n1", Name: "tench, Tinca tinca"}, {ID: "n2", Name: "crane, bird"}, {ID: "n3", Name: "crane"}, {ID: "n4"}}
	outcomes := []outcome{{truth: 0, guess: 1}, {truth: 0, guess: 0}, {truth: 1, guess: 2}, {truth: 2, guess: 2}, {truth: 3, guess: 0}}
	if got, want := worst(list, outcomes), "crane, bird 100 % wrong, most as crane; n4 100 % wrong, most as tench; tench 50 % wrong, most as crane, bird"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
