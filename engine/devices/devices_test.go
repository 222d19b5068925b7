package devices

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"alexnet/engine/vulkan"
	"alexnet/internal/setting"
)

func TestOpen(t *testing.T) {
	for list, n := range map[string]int{"cpu": 1, "cpu, cpu": 2} {
		contexts, err := Open(list, Options{Threads: 2, Precision: "fp32"})
		if err != nil || len(contexts) != n {
			t.Fatalf("%q: %d contexts, %v", list, len(contexts), err)
		}
		for _, c := range contexts {
			if c.Name() != "cpu" {
				t.Errorf("%q holds %s", list, c.Name())
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		list, precision, want string
	}{
		{"tpu", "", `no device called "tpu": this build has cpu`},
		{"cpu:1", "", `device "cpu:1": the CPU has no index, write cpu`},
		{"cpu,", "", `no device called ""`},
		{"cpu", "tf32", "precision: cpu computes in fp32 or bf16 only, not in tf32"},
		{"cpu", "fp8", `precision "fp8": want fp32, tf32, bf16`},
	} {
		_, err := Open(c.list, Options{Precision: c.precision})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s in %s: %v, want %s", c.list, c.precision, err, c.want)
		}
		if errors.Is(err, ErrPrecision) != (c.precision != "") {
			t.Errorf("%v: is it the precision?", err)
		}
	}
	// So many threads took the machine's memory, and no signal ended them.
	if _, err := Open("cpu", Options{Threads: math.MaxInt}); !setting.Invalid(SettingError(err)) || err.Error() != "threads 9223372036854775807: want at most 65536" {
		t.Errorf("threads: %v", err)
	}
}

func TestKernels(t *testing.T) {
	d := List().Devices[0]
	for _, k := range d.Kernels {
		name, err := ChosenKernels("cpu,cpu", Options{Kernels: k.Name, Precision: k.Precision})
		if (err == nil) != k.Usable || k.Usable && name != k.Name {
			t.Errorf("%+v: chose %q, %v", k, name, err)
		}
		auto, err := ChosenKernels("cpu", Options{Kernels: Auto, Precision: k.Precision})
		if k.Chosen != (auto == k.Name) || (err != nil) == slices.Contains(d.Precisions, k.Precision) {
			t.Errorf("auto chooses %s, %v; the list has %+v", auto, err, k)
		}
		if err != nil && (!errors.Is(err, ErrPrecision) || !strings.Contains(err.Error(), "this one has neither: compute in fp32, or ask for the portable kernels")) {
			t.Errorf("%s: %v", k.Precision, err)
		}
		contexts, err := Open("cpu", Options{Threads: 1, Kernels: k.Name, Precision: k.Precision})
		if (err == nil) != k.Usable || errors.Is(err, ErrKernels) == k.Usable {
			t.Errorf("%+v: %v", k, err)
		}
		for _, c := range contexts {
			c.Close()
		}
	}
	if _, err := Open("cpu", Options{Kernels: "sse"}); !errors.Is(err, ErrKernels) || !strings.Contains(err.Error(), `kernels: no kernels called "sse"; there is portable`) {
		t.Error(err)
	}
	if name, err := ChosenKernels("cuda:0", Options{}); name != "" || err != nil {
		t.Errorf("a GPU chose %q, %v", name, err)
	}
}

func TestWire(t *testing.T) {
	if _, err := Open("cpu", Options{Wire: "tf32"}); err == nil || !strings.Contains(err.Error(), `gradients between ranks in "tf32": want fp32 or bf16`) {
		t.Error(err)
	}
	contexts, err := Open("cpu", Options{Wire: "bf16", RankTimeout: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := contexts[0].Close(); err != nil {
		t.Error(err)
	}
}

func TestList(t *testing.T) {
	i := List()
	if len(i.Devices) == 0 || i.Devices[0].Name != "cpu" || !strings.HasSuffix(i.Devices[0].About, runtime.GOOS+"/"+runtime.GOARCH) {
		t.Fatalf("listed %+v", i)
	}
	for _, m := range i.Missing {
		if m.Name == "" || m.Why == "" || len(m.Install) == 0 {
			t.Errorf("missing %+v", m)
		}
	}
}

// TestNames: what the lists name, Open takes.
func TestNames(t *testing.T) {
	if names := Names(); len(names) < 2 || names[0] != Auto || names[1] != "cpu" {
		t.Errorf("devices %q", names)
	}
	names := KernelNames()
	if len(names) < 2 || names[0] != Auto {
		t.Errorf("kernels %q", names)
	}
	for i, name := range names {
		_, err := ChosenKernels("cpu", Options{Kernels: name})
		for _, p := range Precisions { // bf16 has sets of its own
			if err != nil {
				_, err = ChosenKernels("cpu", Options{Kernels: name, Precision: p})
			}
		}
		if err != nil || slices.Contains(names[:i], name) {
			t.Errorf("kernels %q: %q: %v", names, name, err)
		}
	}
}

// TestResolve: auto is a GPU's name where there is one, and never a device that
// computes on the CPU.
func TestResolve(t *testing.T) {
	if list, why := Resolve("cpu,cpu"); list != "cpu,cpu" || why != "" {
		t.Errorf("%s, %s", list, why)
	}
	list, why := Resolve(Auto)
	var gpus []string
	for _, d := range List().Devices {
		if strings.Contains(d.About, "in software") && d.Auto {
			t.Errorf("%s, %s, is for auto", d.Name, d.About)
		}
		if d.Auto {
			gpus = append(gpus, d.Name)
		}
	}
	if len(gpus) > 0 && (!slices.Contains(gpus, list) || why != "") ||
		len(gpus) == 0 && (list != "cpu" || !strings.Contains(why, "no GPU") || !strings.Contains(why, "computing on the CPU")) {
		t.Errorf("auto is %s: %s", list, why)
	}
}

// TestAutoOf: auto prefers CUDA, then a discrete Vulkan GPU, then the CPU, whatever the
// order in which Vulkan lists its devices.
func TestAutoOf(t *testing.T) {
	list := func(missing string, devices ...Device) kind {
		i := Inventory{Devices: devices}
		if missing != "" {
			i.Missing = []Missing{{Name: missing}}
		}
		return kind{list: func() Inventory { return i }}
	}
	gpus := []vulkan.GPU{
		{Name: "vulkan:0", Kind: "in software"}, {Name: "vulkan:1", Kind: "integrated"},
		{Name: "vulkan:2", Kind: "discrete", Discrete: true, Missing: []string{"timelineSemaphore"}}, {Name: "vulkan:3", Kind: "discrete", Discrete: true},
	}
	vulkans := func(n int) kind {
		return list("", inventory(vulkan.Survey{GPUs: gpus[:n], Loader: "libvulkan"}).Devices...)
	}
	card := Device{Name: "cuda:0", Auto: true}
	for _, c := range []struct {
		gpus []kind
		want string
		why  string
	}{
		{[]kind{list("", card), vulkans(4)}, "cuda:0", ""},
		{[]kind{list("NVIDIA driver"), vulkans(4)}, "vulkan:3", ""},
		{[]kind{list("cuDNN", card), vulkans(4)}, "vulkan:3", ""}, // a card without its libraries
		{[]kind{list("cuDNN", card), vulkans(3)}, "cpu", "cuDNN missing"},
		{[]kind{list(""), vulkans(2)}, "cpu", "no GPU"},
		{[]kind{list(""), list("Vulkan")}, "cpu", "Vulkan missing"},
		{nil, "cpu", "no GPU"},
	} {
		if name, why := resolve(c.gpus); name != c.want || !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
			t.Errorf("auto is %s (%s), want %s (%s)", name, why, c.want, c.why)
		}
	}
}
