package main

import (
	"bufio"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// The dashboard of a resumed run shows what came before and what comes, and
// the program's end.
func TestDashboard(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "run")
	call(w.args(dir, "--steps", "20")...).must(t, 0)
	p := process("--run", dir, "--resume", "--dashboard", ":0", "--steps", "0", "--epochs", "100000", "--max-time", "2s")
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer p.Wait()
	lines := bufio.NewScanner(stderr)
	url := ""
	for url == "" && lines.Scan() {
		_, url, _ = strings.Cut(lines.Text(), "dashboard: ")
	}
	r, err := http.Get(url + "events")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	go func() {
		for lines.Scan() {
		}
	}()
	var text strings.Builder
	for events := bufio.NewScanner(r.Body); events.Scan(); {
		text.WriteString(events.Text() + "\n")
	}
	for _, want := range []string{`"title":"test: run"`, `"split":"train","epoch":1,"step":4,`, `"split":"val","epoch":2,"step":20,`, `"step":24,`, `"bottleneck":"`, `"stopped":"Training is over: the limit on time is reached."`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	call(w.args(filepath.Join(w.dir, "x"), "--dashboard", "nowhere")...).must(t, 2, "--dashboard: address")
}
