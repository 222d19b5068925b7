package main

import (
	"fmt"
	"math"
	"path/filepath"

	"alexnet/engine"
	"alexnet/engine/train"
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

// openLive begins the dashboard of a run at an address; "" is none.
func openLive(address, run string, line *command.Line) (live, error) {
	if address == "" {
		return live{}, nil
	}
	server, err := dashboard.Listen(address, run)
	if err != nil {
		return live{}, command.Usagef("--dashboard: %w", err)
	}
	line.Print("dashboard: %s", printable.Verbatim(server.URL())) // with its token
	return live{server}, nil
}

// begin publishes what metrics.jsonl holds already.
func (l live) begin(j *train.Job) error {
	if l.server == nil {
		return nil
	}
	metrics, err := report.ReadMetrics(filepath.Join(j.Config().Run, train.MetricsName))
	if err != nil {
		return err
	}
	net := j.Net()
	title := fmt.Sprintf("%s: %s", net.Name, filepath.Base(j.Config().Run))
	l.publish(headline{Title: title, Epochs: j.Config().Epochs, Steps: j.Steps(), Chance: math.Log(float64(net.Classes))})
	for _, m := range metrics {
		l.publish(train.Line{Metrics: m})
	}
	return nil
}

// end says why training is over.
func (l live) end(stop engine.Stop, err error) {
	text := string(stop)
	if err != nil {
		text = err.Error()
	}
	l.publish(headline{Stopped: "Training is over: " + text + "."})
}

// publish sends plain data, which always encodes but for figures that are no
// numbers; those are left out.
func (l live) publish(v any) {
	if l.server != nil {
		_ = l.server.Publish(v)
	}
}

// Close ends the dashboard.
func (l live) Close() error {
	if l.server == nil {
		return nil
	}
	return l.server.Close()
}
