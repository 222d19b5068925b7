package bench

import (
	"errors"
	"strings"
	"time"

	"alexnet/engine"
	"alexnet/engine/devices"
)

// Design says how an op of a training step runs on a device.
type Design struct {
	Layer string  `json:"layer"`
	Kind  string  `json:"op"`
	FLOP  float64 `json:"flop"`
	Bytes int64   `json:"bytes"` // of its tensors, each counted once
	// Bound is what the op takes at the peak or the bandwidth, whichever is longer; 0
	// if they are not known.
	Bound float64 `json:"bound_ms,omitempty"`
	engine.Dispatch
}

// Layer sums the ops of one layer in a training step.
type Layer struct {
	Layer    string  `json:"layer"`
	Forward  float64 `json:"forward_ms"`
	Backward float64 `json:"backward_ms"`
	Update   float64 `json:"update_ms"`
	GFLOPS   float64 `json:"gflops"` // of forward and backward
	MiB      float64 `json:"mib"`    // read and written by forward and backward
	// Bound is the time of the layer if every op took the longer of two times: its
	// products at the peak, and its bytes at the bandwidth. By says which of the two
	// makes most of it: "products" or "memory".
	Bound float64 `json:"bound_ms,omitempty"`
	By    string  `json:"bound_by,omitempty"`

	flop, byMemory float64
}

// layers times the ops of a step on one context and sums them by layer.
func (r *Result) layers(f *measurement) (err error) {
	list, _, _ := strings.Cut(f.Devices, ",")
	contexts, err := f.Open(list, f.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, contexts[0].Close()) }()
	ops, err := engine.Profile(f.net, contexts[0], modelConfig(f), min(f.Steps, 3))
	if err != nil {
		return err
	}
	at := r.limits(f)
	seconds, flop := 0.0, 0.0
	for _, op := range ops {
		seconds += at.seconds(op)
		for _, d := range op.Design {
			r.Design = append(r.Design, Design{op.Layer, op.Kind, op.FLOP, op.Bytes, at.seconds(op) * 1e3, d})
		}
		if op.Kind != update {
			flop += op.FLOP
		}
	}
	if seconds > 0 {
		r.Roofline = float64(f.Batch) / seconds
	}
	r.Achieved = flop / float64(f.Batch) * r.Train / 1e9
	r.Layers = sumLayers(ops, at)
	return nil
}

// update is the kind of op that changes weights.
const update = "update"

// limits are the products and the bytes a second that devices reach; zeros if they are not
// known.
type limits struct{ peak, bandwidth float64 }

// limits returns the given limits or, if there are none, measured ones.
func (r *Result) limits(f *measurement) limits {
	at := limits{f.Peak * 1e12, f.Bandwidth * 1e9}
	if at == (limits{}) && r.Peak > 0 {
		r.Bandwidth = devices.Bandwidth(f.Devices, f.Options, time.Second/2) / 1e9
		at = limits{r.Peak * 1e9, r.Bandwidth * 1e9}
	}
	if at.peak == 0 || at.bandwidth == 0 {
		return limits{}
	}
	return at
}

// seconds returns the longer of two times: that of an op's products at the peak, and that
// of its bytes at the bandwidth. It is 0 if the limits are not known.
func (at limits) seconds(op engine.OpTime) float64 {
	if at == (limits{}) {
		return 0
	}
	return max(op.FLOP/at.peak, float64(op.Bytes)/at.bandwidth)
}

// byMemory reports whether the bytes take that longer time.
func (at limits) byMemory(op engine.OpTime) bool {
	return at.seconds(op) > op.FLOP/at.peak
}

// sumLayers sums the ops of a training step by layer.
func sumLayers(ops []engine.OpTime, at limits) (layers []Layer) {
	index := map[string]int{}
	backward := false
	for _, op := range ops {
		i, ok := index[op.Layer]
		if !ok {
			i = len(layers)
			index[op.Layer] = i
			layers = append(layers, Layer{Layer: op.Layer})
		}
		l, ms := &layers[i], op.Time.Seconds()*1e3
		l.Bound += at.seconds(op) * 1e3
		if at.byMemory(op) {
			l.byMemory += at.seconds(op) * 1e3
		}
		switch {
		case op.Kind == update:
			l.Update += ms
			continue
		case backward:
			l.Backward += ms
		default:
			l.Forward += ms
		}
		l.flop += op.FLOP
		l.MiB += float64(op.Bytes) / (1 << 20)
		backward = backward || op.Layer == "loss"
	}
	for i := range layers {
		layers[i].finish()
	}
	return layers
}

// finish computes what follows from the sums.
func (l *Layer) finish() {
	if l.flop > 0 {
		l.GFLOPS = l.flop / (l.Forward + l.Backward) / 1e6
	}
	switch {
	case l.Bound == 0:
	case l.byMemory > l.Bound/2:
		l.By = "memory"
	default:
		l.By = "products"
	}
}
