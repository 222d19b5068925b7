package infer_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"alexnet/engine/devices"
	"alexnet/engine/infer"
)

const checkpoint = "testdata/textures.safetensors"

// TestLibraryPage: docs/library.md prints the Example as it runs, and README prints it with
// a user's files.
func TestLibraryPage(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(source), "func Example() {\n")
	body, _, end := strings.Cut(body, "\t// Output:")
	if !ok || !end {
		t.Fatal("example_test.go has another form")
	}
	body = strings.TrimPrefix(strings.ReplaceAll("\n"+body, "\n\t", "\n"), "\n")
	inReadme := strings.NewReplacer("testdata/textures", "best", `"testdata/dots.jpg", 2`, `"photo.jpg", 5`).Replace(body)
	for path, body := range map[string]string{"../../docs/library.md": body, "../../README.md": inReadme} {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "```go\n"+body+"```\n") {
			t.Errorf("%s doesn't print the Example:\n%s", path, body)
		}
	}
}

// TestOpenSaysWhatIsWrong: errors are of the documented types.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	one := []string{checkpoint}
	for _, c := range []struct {
		config  infer.Config
		setting string // that a SettingError begins with
		want    string
	}{
		{infer.Config{}, `"checkpoint"`, "want at least one"},
		{infer.Config{Checkpoints: one, Size: 7}, "size 7", "want 8 to 8192 pixels, or 0"},
		{infer.Config{Checkpoints: one, Size: 23}, "size 23", "the net reads 24 pixels a side"},
		{infer.Config{Checkpoints: one, Batch: 9, TenCrop: true}, "batch 9", "want at least 10, the crops of one picture"},
		{infer.Config{Checkpoints: one, Devices: "tpu"}, `"devices": `, `no device called "tpu"`},
		{infer.Config{Checkpoints: one, Options: devices.Options{Precision: "fp8"}}, `"precision" "fp8"`, "want fp32, tf32, bf16"},
		{infer.Config{Checkpoints: []string{"testdata/none"}}, "", "testdata/none"},
		{infer.Config{Checkpoints: one, Layer: "fc9"}, "", `no layer with weights is called "fc9": there are conv1, conv2, fc3, fc4`},
	} {
		e, err := infer.Open(c.config)
		if err == nil {
			e.Close()
			t.Errorf("%+v: no error", c.config)
			continue
		}
		var wrong *infer.SettingError
		if got := errors.As(err, &wrong); got != (c.setting != "") || got && !wrong.Invalid || !strings.HasPrefix(err.Error(), c.setting) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v (%T), want one of %s with %q", c.config, err, err, c.setting, c.want)
		}
		if strings.Contains(err.Error(), "--") {
			t.Errorf("%v names a flag", err)
		}
	}
}

// TestNames: names must be of the nets' classes.
func TestNames(t *testing.T) {
	var wrong *infer.NamesError
	if _, err := infer.Open(infer.Config{Checkpoints: []string{checkpoint}, Names: map[string]string{"none": "of them"}}); !errors.As(err, &wrong) {
		t.Fatalf("%v is no NamesError", err)
	}
	e, err := infer.Open(infer.Config{Checkpoints: []string{checkpoint}, Names: map[string]string{wrong.Class: "mine"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.Classes()[0] != wrong.Class || e.Top([]float64{1, 0}, 1)[0].Name != "mine" {
		t.Errorf("class %q of %q is called %v", wrong.Class, e.Classes(), e.Top([]float64{1, 0}, 1))
	}
}

// TestTop: best first, of equals the first one.
func TestTop(t *testing.T) {
	got := infer.Top([]float32{.1, .3, .2, .3}, 3)
	if want := []int{1, 3, 2}; len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("top %v, want %v", got, want)
	}
	if got := infer.Top([]float64{1}, 5); len(got) != 1 {
		t.Errorf("top 5 of one: %v", got)
	}
}

// TestEnsembleIsTheMean: two times the same net by ten crops is that net by ten
// crops, and Classify's answer by the centre is that of Probabilities.
func TestEnsembleIsTheMean(t *testing.T) {
	answer := func(c infer.Config) []infer.Guess {
		t.Helper()
		e, err := infer.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		g, err := e.Classify(t.Context(), "testdata/dots.jpg", 4)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	once := answer(infer.Config{Checkpoints: []string{checkpoint}, TenCrop: true})
	twice := answer(infer.Config{Checkpoints: []string{checkpoint, checkpoint}, TenCrop: true, Names: map[string]string{"dots": "Dots"}})
	centre := answer(infer.Config{Checkpoints: []string{checkpoint}})
	sum := 0.0
	for i, g := range once {
		if d := g.Probability - twice[i].Probability; d > 1e-9 || d < -1e-9 || g.Class != twice[i].Class {
			t.Errorf("once %v, twice %v", g, twice[i])
		}
		sum += g.Probability
	}
	if sum < 1-1e-6 || sum > 1+1e-6 || once[0].Probability == centre[0].Probability || twice[0].String() != "Dots" {
		t.Errorf("ten crops %v of sum %g, the centre %v, with names %v", once, sum, centre, twice)
	}
}
