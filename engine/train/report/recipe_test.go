package report

import (
	"bytes"
	"image/png"
	"strings"
	"testing"

	"alexnet/engine"
)

// TestRecipe: the settings that are set are named, in order, and the rate is drawn
// where steps were logged.
func TestRecipe(t *testing.T) {
	got := recipeOf([]Figure{{"jitter", "0.4,0.4,0.4"}, {"lr", "0.01"}, {"threads", "2"}, {"warmup", "0"}, {"batch", "128"}, {"drop-at", ""}})
	if want := "batch 128, lr 0.01, jitter 0.4,0.4,0.4"; got != want {
		t.Errorf("recipe %q, want %q", got, want)
	}
	var b bytes.Buffer
	if drawn, err := rate(&b, []engine.Metrics{{Split: "val", Step: 1}}, wide); drawn || err != nil || b.Len() > 0 {
		t.Errorf("a rate without steps: %v, %v", drawn, err)
	}
	if drawn, err := rate(&b, []engine.Metrics{{Split: "train", Step: 1, Rate: 0.01}, {Split: "train", Step: 9, Rate: 0.001}}, narrow); !drawn || err != nil {
		t.Fatal(drawn, err)
	}
	text := b.Bytes()
	if _, err := png.Decode(bytes.NewReader(text)); err != nil {
		t.Error(err)
	}
	var page bytes.Buffer
	if err := show(&page, recipeSection, recipe{got, &chart{Wide: text, Narrow: text}}); err != nil || !strings.Contains(page.String(), got) || !strings.Contains(page.String(), "data:image/png") {
		t.Errorf("%v, page %.300s", err, page.String())
	}
}
