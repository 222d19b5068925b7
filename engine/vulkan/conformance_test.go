package vulkan_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/enginetest"
	"alexnet/engine/vulkan"
)

// unavailable is the reason why there is no vulkan:0, or nil.
var unavailable error

// validated is set if the validation layer checks every call.
var validated bool

// TestMain keeps a context, and so the device with its pipelines, open, under the
// validation layer where that is installed.
func TestMain(m *testing.M) {
	contexts, err := vulkan.Open([]string{"vulkan:0"}, vulkan.Options{Validate: true})
	if validated = err == nil; err != nil {
		contexts, err = vulkan.Open([]string{"vulkan:0"}, vulkan.Options{})
	}
	unavailable = err
	code := m.Run()
	for _, c := range contexts {
		err = errors.Join(err, c.Close())
	}
	if code == 0 && err != nil && unavailable == nil {
		os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

// open opens a context. Any message of the validation layer fails the test.
func open(t *testing.T, o vulkan.Options) engine.Context {
	t.Helper()
	needsDevice(t)
	contexts, err := vulkan.Open([]string{"vulkan:0"}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { quiet(t) })
	return contexts[0]
}

func needsDevice(t *testing.T) {
	t.Helper()
	if unavailable != nil {
		t.Skip("no vulkan:0: ", unavailable)
	}
}

// quiet fails if the validation layer has reported anything.
func quiet(t *testing.T) {
	t.Helper()
	for _, m := range vulkan.Messages() {
		t.Errorf("validation: %s", m)
	}
}

// whole is set if make check-vulkan runs everything; other runs are smaller.
var whole = os.Getenv("ALEXNET_VULKAN") != ""

// TestConformance runs the engine's suite in every precision, in 16 bits a thinned one on a
// device in software, which takes seconds to compile a shader. In a run of all packages'
// tests it is a thinned one in float32.
func TestConformance(t *testing.T) {
	needsDevice(t)
	// The factors of products by matrices have float16's eleven bits, as many as TF32's.
	byMatrices := enginetest.BF16
	byMatrices.Factor = enginetest.TF32.Factor
	for _, c := range []struct {
		name      string
		options   vulkan.Options
		tolerance enginetest.Tolerance
	}{
		{"fp32", vulkan.Options{}, enginetest.FP32},
		{"bf16", vulkan.Options{Precision: "bf16", Matrices: vulkan.MatricesOff}, enginetest.BF16},
		{"bf16 by matrices", vulkan.Options{Precision: "bf16", Matrices: vulkan.MatricesOn}, byMatrices},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.options.Matrices == vulkan.MatricesOn {
				needsMatrices(t)
			}
			cases := enginetest.Cases()
			narrow := c.options.Precision == "bf16"
			if narrow && !whole {
				t.Skip("make check-vulkan runs it")
			}
			if !whole || narrow && vulkan.Examine().GPUs[0].Kind == "in software" {
				cases = enginetest.Thin()
			}
			enginetest.RunCases(t, cases, func(t *testing.T) engine.Context { return open(t, c.options) }, c.tolerance)
		})
	}
}

// needsMatrices skips a test if vulkan:0 has no cooperative matrices.
func needsMatrices(t *testing.T) {
	t.Helper()
	if gpu := vulkan.Examine().GPUs[0]; gpu.Matrices == "" {
		t.Skip(gpu.Model, " multiplies no matrices of float16 by itself")
	}
}

// TestPlain runs the cases of sums over a workgroup on a context that does without
// subgroups'.
func TestPlain(t *testing.T) {
	needsDevice(t)
	var cases []enginetest.Case
	for _, c := range enginetest.Thin() {
		if strings.HasPrefix(c.Name, "softmax") || strings.HasPrefix(c.Name, "dense backward") {
			cases = append(cases, c)
		}
	}
	enginetest.RunCases(t, cases, func(t *testing.T) engine.Context {
		return open(t, vulkan.Options{Plain: true})
	}, enginetest.FP32)
}

// TestDesign: a profile says how every op runs on the device.
func TestDesign(t *testing.T) {
	c := open(t, vulkan.Options{})
	defer c.Close()
	net, err := engine.Preset("alexnet-mini", 10)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := engine.Profile(net, c, engine.ModelConfig{Batch: 2, Decay: 0.0005}, 1)
	if err != nil {
		t.Fatal(err)
	}
	limits := 0
	for _, op := range ops {
		if len(op.Design) == 0 {
			t.Errorf("%s %s: no design", op.Layer, op.Kind)
		}
		for _, d := range op.Design {
			if d.Workgroups < 1 || d.Threads < 1 || d.Instructions < 10 || d.Shared > 0 && d.Fit < 1 {
				t.Errorf("%s %s: %+v", op.Layer, op.Kind, d)
			}
			if d.Fit > 0 {
				limits++
			}
		}
	}
	if limits == 0 {
		t.Error("no op shares memory")
	}
}

// TestRanks runs the cases in which ranks meet.
func TestRanks(t *testing.T) {
	needsDevice(t)
	enginetest.RunRanks(t, 3, func(t *testing.T, _ int) engine.Context { return open(t, vulkan.Options{}) })
}

// TestValidated says when the validation layer isn't there: then silence means
// nothing.
func TestValidated(t *testing.T) {
	if unavailable == nil && !validated {
		t.Skip("the validation layer is not installed (vulkan-validationlayers)")
	}
	if unavailable != nil && !strings.Contains(unavailable.Error(), "ulkan") {
		t.Error(unavailable)
	}
}
