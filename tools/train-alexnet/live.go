package main

import (
	"fmt"
	"math"
	"path/filepath"

	"alexnet/engine"
	"alexnet/engine/train/report"
	"alexnet/internal/printable"
	"alexnet/tools/internal/command"
	"alexnet/tools/train-alexnet/dashboard"
)

// live is the dashboard of a run, or nothing.
type live struct{ server *dashboard.Server }

// headline is what the dashboard says of the run as a whole.
type headline struct {
	Title   string  `json:"title,omitempty"`
	Epochs  int     `json:"epochs,omitempty"`
	Steps   uint64  `json:"steps,omitempty"`
	Chance  float64 `json:"chance,omitempty"`  // loss of a net that guesses
	Stopped string  `json:"stopped,omitempty"` // why training is over
}

// watch begins the dashboard that --dashboard asks for.
func (j *job) watch() (live, error) {
	if j.Dashboard == "" {
		return live{}, nil
	}
	server, err := dashboard.Listen(j.Dashboard, j.Run)
	if err != nil {
		return live{}, command.Usagef("--dashboard: %w", err)
	}
	j.line.Print("dashboard: %s", printable.Verbatim(server.URL())) // with its token
	return live{server}, nil
}

// begin publishes what metrics.jsonl holds already, and lets the observer
// publish what follows.
func (l live) begin(o *observer, j *job) error {
	if l.server == nil {
		return nil
	}
	metrics, err := report.ReadMetrics(filepath.Join(j.Run, metricsName))
	if err != nil {
		return err
	}
	title := fmt.Sprintf("%s: %s", j.net.Name, filepath.Base(j.Run))
	l.publish(headline{Title: title, Epochs: o.epochs, Steps: o.steps, Chance: math.Log(float64(j.net.Classes))})
	for _, m := range metrics {
		l.publish(logged{Metrics: m})
	}
	o.live = func(m logged) { l.publish(m) }
	return nil
}

// end says why training is over.
func (l live) end(stop engine.Stop, err error) {
	if l.server == nil {
		return
	}
	text := string(stop)
	if err != nil {
		text = err.Error()
	}
	l.publish(headline{Stopped: "Training is over: " + text + "."})
}

// publish sends plain data, which always encodes but for figures that are no
// numbers; those are left out.
func (l live) publish(v any) { _ = l.server.Publish(v) }

// Close ends the dashboard.
func (l live) Close() error {
	if l.server == nil {
		return nil
	}
	return l.server.Close()
}
