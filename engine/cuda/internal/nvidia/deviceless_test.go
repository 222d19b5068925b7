package nvidia

import (
	"fmt"
	"strings"
	"testing"

	"alexnet/engine/cuda/internal/gpu"
)

// properties describe a device to the real cuDNN, which then chooses engines
// and makes plans for it though it isn't there (since 9.8).
func properties(t *testing.T, l *libraries, json string) target {
	t.Helper()
	b := &descriptors{lib: l}
	t.Cleanup(func() { ok(t, b.close()) })
	d := b.create(kindDeviceProperties)
	set(b, d, devicePropertiesJSON, typeChar, []byte(json)...)
	b.finalize(d)
	if b.err != nil {
		t.Skipf("this cuDNN describes no device that isn't there: %v", b.err)
	}
	return target{lib: l, properties: d}
}

const devicePropertiesJSON = 2702 // CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION

// hopper is an H200 in the words of cuDNN's own reader.
const hopper = `{"deviceName":"NVIDIA H200","deviceVer":900,"driverVer":13000,"cudaDeviceId":0,"pciDeviceId":0,"isTccDriver":0,
"multiProcessorCount":132,"smCountOrigin":0,"warpSize":32,"maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],
"maxThreadsPerBlock":1024,"maxThreadsPerSM":2048,"maxCtasPerSM":32,"regsPerBlock":65536,"maxRegistersPerSM":65536,
"maxSharedMemoryPerBlock":49152,"maxSharedMemoryPerBlockOptin":232448,"reservedSharedMemoryPerBlock":1024,"oversizedSharedMemoryPerBlock":0,
"supportCoopLaunch":1,"totalGlobalMem":150754820096,"smClockRateKHz":1980000,"memClockRateKHz":3201000,"l2CacheSize":62914560}`

// ampere is an A100.
const ampere = `{"deviceName":"NVIDIA A100","deviceVer":800,"driverVer":13000,"cudaDeviceId":0,"pciDeviceId":0,"isTccDriver":0,
"multiProcessorCount":108,"smCountOrigin":0,"warpSize":32,"maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],
"maxThreadsPerBlock":1024,"maxThreadsPerSM":2048,"maxCtasPerSM":32,"regsPerBlock":65536,"maxRegistersPerSM":65536,
"maxSharedMemoryPerBlock":49152,"maxSharedMemoryPerBlockOptin":166912,"reservedSharedMemoryPerBlock":1024,"oversizedSharedMemoryPerBlock":0,
"supportCoopLaunch":1,"totalGlobalMem":85899345920,"smClockRateKHz":1410000,"memClockRateKHz":1593000,"l2CacheSize":41943040}`

// alexnet's convolutions as a tower has them, and folded conv1; batch 128.
var alexnet = map[string]gpu.Convolution{
	"conv1 folded": {C: 48, H: 57, W: 57, K: 48, Size: 3},
	"conv2":        {C: 48, H: 27, W: 27, K: 128, Size: 5, Pad: 2},
	"conv3":        {C: 256, H: 13, W: 13, K: 192, Size: 3, Pad: 1},
	"conv4":        {C: 192, H: 13, W: 13, K: 192, Size: 3, Pad: 1},
	"conv5":        {C: 192, H: 13, W: 13, K: 128, Size: 3, Pad: 1},
}

var arithmetic = map[string]struct {
	t gpu.Type
	m gpu.Math
}{"fp32": {gpu.Float32, gpu.FP32}, "tf32": {gpu.Float32, gpu.TF32}, "bf16": {gpu.BFloat16, gpu.BF16}}

// TestPlansWithoutADevice has the real cuDNN choose engines for alexnet and
// finalize plans, for devices that it is told of: all but running them.
func TestPlansWithoutADevice(t *testing.T) {
	l := needDescriptors(t)
	for _, device := range []struct{ name, json string }{{"H200", hopper}, {"A100", ampere}} {
		on := properties(t, l, device.json)
		for layer, c := range alexnet {
			c.N, c.Stride, c.Groups = 128, 1, 1
			for precision, a := range arithmetic {
				c.Type, c.WeightGradient, c.Math, c.BiasType = a.t, a.t, a.m, a.t
				for _, direction := range []gpu.Direction{gpu.Forward, gpu.BackwardData, gpu.BackwardWeights} {
					c.Direction = direction
					for _, deterministic := range []bool{false, true} {
						t.Run(fmt.Sprintf("%s/%s/%s/%v deterministic %v", device.name, layer, precision, direction, deterministic), func(t *testing.T) {
							plans, err := on.plans(c, 256<<20, deterministic, 3)
							if err != nil || len(plans) == 0 {
								t.Fatalf("%d plans: %v", len(plans), err)
							}
							for _, p := range plans {
								if p.workspace > 256<<20 {
									t.Errorf("%s takes %d bytes", p.name, p.workspace)
								}
								ok(t, p.Close())
							}
						})
					}
				}
				if precision == "bf16" {
					c.Direction, c.Bias, c.ReLU = gpu.Forward, true, true
					plans, err := on.plans(c, 256<<20, false, 1)
					if err != nil || len(plans) != 1 {
						t.Errorf("%s on %s: no plan with bias and ReLU: %v", layer, device.name, err)
						continue
					}
					ok(t, plans[0].Close())
					c.Bias, c.ReLU = false, false
				}
			}
		}
	}
}

// TestGroupsAndSlices: grouped convolutions have plans, whole and by group.
func TestGroupsAndSlices(t *testing.T) {
	l := needDescriptors(t)
	on := properties(t, l, hopper)
	c := gpu.Convolution{N: 128, C: 96, H: 27, W: 27, K: 256, Size: 5, Stride: 1, Pad: 2, Groups: 2,
		Type: gpu.BFloat16, WeightGradient: gpu.BFloat16, Math: gpu.BF16}
	for _, c.Direction = range []gpu.Direction{gpu.Forward, gpu.BackwardData, gpu.BackwardWeights} {
		for _, k := range []gpu.Convolution{c, oneGroup(c)} {
			plans, err := on.plans(k, 256<<20, false, 1)
			if err != nil || len(plans) != 1 {
				t.Errorf("%v, pixels of %d channels: %v", k, k.XChannels, err)
				continue
			}
			ok(t, plans[0].Close())
		}
	}
}

// TestLargeBatches: with as much workspace as its tensors take besides 256 MiB,
// which is what engine/cuda allows, a grouped convolution of any batch gets an
// engine that the heuristic knows; with 256 MiB alone this one gets a slow fallback.
func TestLargeBatches(t *testing.T) {
	l := needDescriptors(t)
	on := properties(t, l, hopper)
	c := gpu.Convolution{N: 2048, C: 96, H: 27, W: 27, K: 256, Size: 5, Stride: 1, Pad: 2, Groups: 2,
		Type: gpu.BFloat16, WeightGradient: gpu.BFloat16, Math: gpu.BF16}
	tensors := int64(c.N*c.H*c.W*(c.C+c.K)) * c.Type.Size()
	for _, c.Direction = range []gpu.Direction{gpu.Forward, gpu.BackwardData, gpu.BackwardWeights} {
		plans, err := on.plans(c, 256<<20+tensors, false, 1)
		if err != nil || len(plans) != 1 || !strings.Contains(plans[0].name, fmt.Sprintf("heuristic %d.", heuristicA)) {
			t.Errorf("%v: %v", c, err)
			continue
		}
		ok(t, plans[0].Close())
	}
}
