package dashboard

import (
	"fmt"
	"math"
	"path/filepath"

	"alexnet/engine/train"
	"alexnet/engine/train/report"
)

// Observer shows a run on a server: what metrics.jsonl holds already, and what
// follows. One without a server does nothing.
type Observer struct {
	train.Silent
	Server *Server
}

// headline is what the page says of the run as a whole.
type headline struct {
	Title   string  `json:"title,omitempty"`
	Epochs  int     `json:"epochs,omitempty"`
	Steps   uint64  `json:"steps,omitempty"`
	Chance  float64 `json:"chance,omitempty"`  // loss of a net that guesses
	Stopped string  `json:"stopped,omitempty"` // why training is over
}

// Begun shows what came before.
func (o Observer) Begun(j *train.Job) {
	if o.Server == nil {
		return
	}
	net, dir := j.Net(), j.Config().Run
	title := fmt.Sprintf("%s: %s", net.Name, filepath.Base(dir))
	o.publish(headline{Title: title, Epochs: j.Config().Epochs, Steps: j.Steps(), Chance: math.Log(float64(net.Classes))})
	metrics, _ := report.ReadMetrics(filepath.Join(dir, train.MetricsName)) // as far as it can be read
	for _, m := range metrics {
		o.publish(train.Line{Metrics: m})
	}
}

// Progress shows a line of metrics.jsonl.
func (o Observer) Progress(p train.Progress) {
	if p.Event == train.Logged || p.Event == train.Validated {
		o.publish(p.Line)
	}
}

// Ended says why training is over.
func (o Observer) Ended(e train.End) {
	text := string(e.Stop)
	if e.Err != nil {
		text = e.Err.Error()
	}
	o.publish(headline{Stopped: "Training is over: " + text + "."})
}

// publish sends plain data, which always encodes but for figures that are no
// numbers; those are left out.
func (o Observer) publish(v any) {
	if o.Server != nil {
		_ = o.Server.Publish(v)
	}
}

// Close ends the server.
func (o Observer) Close() error {
	if o.Server == nil {
		return nil
	}
	return o.Server.Close()
}
