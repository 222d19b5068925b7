package ablate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/engine/train"
)

// TestFigure1: each nonlinearity is trained at each rate, a rate that diverges is left
// out, and the same call again trains nothing.
func TestFigure1(t *testing.T) {
	s := small(t)
	s.Config.Val = ""
	var trained []string
	f := Figure1{Config: s.Config, Out: s.Out, Rates: []float64{0.02, 1e6}}
	f.Train = func(ctx context.Context, c train.Config) error {
		trained = append(trained, filepath.Base(c.Run)+" "+c.Without)
		_, err := train.Run(ctx, c, nil)
		return err
	}
	r, err := f.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"relu-lr0.02 ", "relu-lr1e+06 ", "tanh-lr0.02 relu", "tanh-lr1e+06 relu"}; !slices.Equal(trained, want) {
		t.Errorf("trained %q, want %q", trained, want)
	}
	if len(r.Best) != 2 || r.Best[0].Name != "relu" || r.Best[0].Rate != 0.02 || len(r.Best[0].Errors) != 2 || r.Best[1].Name != "tanh" {
		t.Errorf("best %+v", r.Best)
	}
	for _, name := range []string{Figure1Picture, Figure1Figures} {
		if info, err := os.Stat(filepath.Join(s.Out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, change := range map[string]func(*Figure1){`"out" is required`: func(f *Figure1) { f.Out = "" }, `"rates" is empty`: func(f *Figure1) { f.Rates = nil },
		`"rates": learning rate 1e-50`:                func(f *Figure1) { f.Rates = []float64{0.01, 1e-50} },
		`"rates": 0.02 is there twice`:                func(f *Figure1) { f.Rates = []float64{0.02, 0.01, 2e-2} },
		`without relu,relu: relu is there twice`:      func(f *Figure1) { f.Config.Without, f.Out = "relu", f.Out+"-other" }, // the runs with tanh
		"epochs 1: a curve over the epochs needs two": func(f *Figure1) { f.Config.Epochs = 1 }} {
		g := f
		change(&g)
		_, err := g.Run(t.Context())
		var bad *train.SettingError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
