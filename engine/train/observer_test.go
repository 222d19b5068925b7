package train

import (
	"strings"
	"testing"

	"alexnet/internal/setting"
)

// TestLines: notes, escaped, and a line for what was logged and validated; none for a
// mere step.
func TestLines(t *testing.T) {
	var b strings.Builder
	o := Lines(&b)
	o.Note(setting.Textf("class \x1b[31mred has no pictures"))
	p := Progress{Epochs: 2, Steps: 16}
	p.Epoch, p.Step = 1, 8
	for _, p.Event = range []Event{Stepped, Logged, Validating, Validated} {
		o.Progress(p)
	}
	var begin []string
	for line := range strings.Lines(b.String()) {
		begin = append(begin, strings.Join(strings.Fields(line)[:3], " "))
	}
	if got, want := strings.Join(begin, "; "), `class \u001b[31mred has; epoch 1/2 step; epoch 1/2 validation:`; got != want {
		t.Errorf("%s, want %s, of\n%s", got, want, b.String())
	}
}
