package command

import (
	"strings"
	"testing"
)

func TestOnce(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("LocalAppData", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	for i, want := range []bool{true, false, false} {
		if Once("a") != want {
			t.Errorf("call %d: want %v", i, want)
		}
	}
	if !Once("b") {
		t.Error("another name has been told already")
	}
}

func TestWhenStopping(t *testing.T) {
	const plain = "stopping; once more to quit at once"
	if got := stoppingLine(); got != plain {
		t.Errorf("%q", got)
	}
	end := WhenStopping(func() string { return "finishing this step, about 10 s" })
	if got := stoppingLine(); !strings.HasPrefix(got, "stopping: finishing this step, about 10 s; once more") {
		t.Errorf("%q", got)
	}
	if end(); stoppingLine() != plain {
		t.Errorf("afterwards %q", stoppingLine())
	}
}
