package bench

import (
	"testing"
	"time"

	"alexnet/engine"
)

// TestSumLayers adds up a layer that computes, one that copies, and their updates.
func TestSumLayers(t *testing.T) {
	at := limits{1e12, 1e9}
	op := func(layer, kind string, flop float64, bytes int64) engine.OpTime {
		return engine.OpTime{Layer: layer, Kind: kind, FLOP: flop, Bytes: bytes, Time: time.Second}
	}
	layers := sumLayers([]engine.OpTime{
		op("conv1", "conv forward", 2e12, 1e9), // 2 s at 1 TFLOP/s, 1 s at 1 GB/s
		op("pool1", "maxpool forward", 0, 15e8),
		op("loss", "softmax loss", 0, 0),
		op("pool1", "maxpool backward", 0, 5e8),
		op("conv1", "conv backward", 4e12, 1e9),
		op("conv1", update, 1e9, 1e9),
	}, at)
	for i, want := range []Layer{
		{Layer: "conv1", Forward: 1e3, Backward: 1e3, Update: 1e3, GFLOPS: 3e3, MiB: 2e9 / (1 << 20), Bound: 7e3, By: "products", flop: 6e12, byMemory: 1e3},
		{Layer: "pool1", Forward: 1e3, Backward: 1e3, MiB: 2e9 / (1 << 20), Bound: 2e3, By: "memory", byMemory: 2e3},
		{Layer: "loss", Forward: 1e3},
	} {
		if layers[i] != want {
			t.Errorf("%+v, want %+v", layers[i], want)
		}
	}
	if unknown := sumLayers([]engine.OpTime{op("conv1", "conv forward", 2e12, 1e9)}, limits{}); unknown[0].Bound != 0 || unknown[0].By != "" {
		t.Errorf("without limits: %+v", unknown)
	}
}
