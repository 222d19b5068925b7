package main

import "testing"

func TestNamesFlag(t *testing.T) {
	for text, want := range map[string]string{
		"choose a smaller --batch: %w":                    "--batch",
		"--on-bad skip leaves it out":                     "--on-bad",
		"in a container, run it with --gpus all (NVIDIA)": "",
		"with --gpus all and --lr":                        "--lr",
		"a -- b, x--y, ---, --%s":                         "",
	} {
		if got := namesFlag(text); got != want {
			t.Errorf("%q names %q, want %q", text, got, want)
		}
	}
}
