package report

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"

	"alexnet/engine"
	"alexnet/engine/train"
	"alexnet/internal/printable"
	"alexnet/internal/redact"
)

// figures returns the results and their conditions.
func figures(r *train.Record, metrics []engine.Metrics, classes int) []Figure {
	percent := func(e float64) string { return fmt.Sprintf("%.2f %%", 100*e) }
	var rows []Figure
	add := func(name, format string, values ...any) {
		rows = append(rows, Figure{Name: name, Value: fmt.Sprintf(format, values...)})
	}
	lastTrain, lowest, speed := Summary(metrics)
	if lowest != nil {
		errors := "top-1 " + percent(lowest.Top1Error)
		if engine.Top5Tells(classes) {
			errors += ", top-5 " + percent(lowest.Top5Error)
		}
		add("lowest validation error", "%s, loss %s, after epoch %d", errors, printable.Fixed(lowest.Loss, 3), lowest.Epoch)
	}
	if lastTrain != nil {
		add("last training figures", "top-1 error %s, loss %s, after step %d (%s)", percent(lastTrain.Top1Error), printable.Fixed(lastTrain.Loss, 3), lastTrain.Step, printable.Count(int(lastTrain.Images), "image"))
		add("training speed", "%.1f images/s (median)", speed)
	}
	add("chance", "%s error, loss %.3f", percent(1-1/float64(classes)), math.Log(float64(classes)))
	add("net", "%s: %s, %s, %s", r.Net.Name, printable.Count(classes, "class"), printable.Count(r.Parameters, "parameter"), printable.Count(r.Net.Towers, "tower"))
	add("training set", "%s, %s", printable.Count(r.Train.Images, "picture"), redact.URL(r.Train.Dir))
	if r.Val != nil {
		add("validation set", "%s, %s", printable.Count(r.Val.Images, "picture"), redact.URL(r.Val.Dir))
	}
	if n := len(r.Sessions); n > 0 {
		s := r.Sessions[n-1]
		add("last session", "began %s on %s (%s, %d CPUs), version %s, %s", s.Began.Format("2006-01-02 15:04 MST"), s.Devices, s.Platform, s.CPUs, s.Version, s.Go)
		add("sessions", "%d", n)
	}
	return rows
}

// settingRows lists run.json's settings by name, without secrets.
func settingRows(raw json.RawMessage) ([]Figure, error) {
	var s train.Config
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, err
	}
	var rows []Figure
	for name, v := range values {
		text := string(v)
		switch {
		case name == "max-time":
			text = s.MaxTime.String()
		case len(v) > 0 && v[0] == '"':
			if err := json.Unmarshal(v, &text); err != nil {
				return nil, err
			}
		}
		if text != "" {
			rows = append(rows, Figure{Name: name, Value: redact.Text(text)})
		}
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Name < rows[j].Name })
	return rows, nil
}
