package dashboard

import (
	"fmt"
	"math"
	"path/filepath"

	"alexnet/engine/train"
	"alexnet/engine/train/report"
)

// Observer shows a run on a server: the contents of metrics.jsonl so far, and every
// new line. Without a server it does nothing.
type Observer struct {
	train.Silent
	Server *Server
}

// headline is the page's data about the run as a whole.
type headline struct {
	Title   string  `json:"title,omitempty"`
	Epochs  int     `json:"epochs,omitempty"`
	Steps   uint64  `json:"steps,omitempty"`
	Chance  float64 `json:"chance,omitempty"`  // loss of a net that guesses
	Stopped string  `json:"stopped,omitempty"` // why training is over
}

// Begun sends the metrics of earlier sessions.
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

// Progress sends a line of metrics.jsonl.
func (o Observer) Progress(p train.Progress) {
	if p.Event == train.Logged || p.Event == train.Validated {
		o.publish(p.Line)
	}
}

// Ended sends the reason why training is over.
func (o Observer) Ended(e train.End) {
	text := string(e.Stop)
	if e.Err != nil {
		text = e.Err.Error()
	}
	o.publish(headline{Stopped: "Training is over: " + text + "."})
}

// publish sends plain data. Figures that are not numbers cannot be encoded; they are
// left out.
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
