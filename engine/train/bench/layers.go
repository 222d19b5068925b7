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
	peak, bandwidth := f.Peak*1e12, f.Bandwidth*1e9
	if peak == 0 && bandwidth == 0 && r.Peak > 0 {
		r.Bandwidth = devices.Bandwidth(f.Devices, f.Options, time.Second/2) / 1e9
		peak, bandwidth = r.Peak*1e9, r.Bandwidth*1e9
	}
	if peak > 0 && bandwidth > 0 {
		r.Roofline = float64(f.Batch) / roofline(ops, peak, bandwidth)
	}
	at := map[string]int{}
	total, backward := 0.0, false
	for _, op := range ops {
		for _, d := range op.Design {
			bound := 0.0
			if r.Roofline > 0 {
				bound = roofline([]engine.OpTime{op}, peak, bandwidth) * 1e3
			}
			r.Design = append(r.Design, Design{op.Layer, op.Kind, op.FLOP, op.Bytes, bound, d})
		}
		i, ok := at[op.Layer]
		if !ok {
			i = len(r.Layers)
			at[op.Layer] = i
			r.Layers = append(r.Layers, Layer{Layer: op.Layer})
		}
		l := &r.Layers[i]
		if r.Roofline > 0 {
			bound := roofline([]engine.OpTime{op}, peak, bandwidth) * 1e3
			l.Bound += bound
			if op.FLOP/peak < float64(op.Bytes)/bandwidth {
				l.byMemory += bound
			}
		}
		ms := op.Time.Seconds() * 1e3
		switch {
		case op.Kind == "update":
			l.Update += ms
			continue
		case backward:
			l.Backward += ms
		default:
			l.Forward += ms
		}
		l.flop += op.FLOP
		l.MiB += float64(op.Bytes) / (1 << 20)
		total += op.FLOP
		backward = backward || op.Layer == "loss"
	}
	for i := range r.Layers {
		l := &r.Layers[i]
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
	r.Achieved = total / float64(f.Batch) * r.Train / 1e9
	return nil
}

// roofline returns the seconds of ops that each take the longer of two times: their
// products at the peak, and their bytes at the bandwidth.
func roofline(ops []engine.OpTime, peak, bandwidth float64) (seconds float64) {
	for _, op := range ops {
		seconds += max(op.FLOP/peak, float64(op.Bytes)/bandwidth)
	}
	return seconds
}
