//go:build unix

package cpu_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// TestLargestNumbers: each number of a net file at its largest is refused, or planned
// with under 2 GB of allocations, and in under a second of processor time where nothing
// slows the machine down: five are allowed, since plans without a bound took minutes.
func TestLargestNumbers(t *testing.T) {
	const file = `{"name": "n", "input": {"size": 32, "scale": 1, "noise_scale": 1}, "towers": 1, "classes": 10, "layers": [
	  {"name": "c1", "conv": {"maps": 8, "kernel": 3, "stride": 1, "pad": 1, "std": 0.1, "bias": 1}},
	  {"lrn": {"size": 5, "k": 2, "alpha": 0.0001, "beta": 0.75}},
	  {"maxpool": {"kernel": 3, "stride": 2, "pad": 0}},
	  {"avgpool": {"kernel": 4, "stride": 3, "pad": 0}},
	  {"name": "l1", "local": {"maps": 7, "kernel": 5, "stride": 4, "pad": 2, "std": 0.1}},
	  {"dropout": {"rate": 0.5}},
	  {"name": "d2", "dense": {"units": 16, "std": 0.2}},
	  {"name": "d3", "dense": {"std": 0.3}}]}`
	nets := map[string]string{"": file}
	for _, field := range []string{`"size": 32`, `"scale": 1`, `"noise_scale": 1`, `"towers": 1`, `"classes": 10`,
		`"maps": 8`, `"kernel": 3, "stride": 1`, `"stride": 1`, `"pad": 1`, `"std": 0.1, "bias"`, `"bias": 1`,
		`"size": 5`, `"k": 2`, `"alpha": 0.0001`, `"beta": 0.75`, `"kernel": 3, "stride": 2`, `"stride": 2`, `"pad": 0}},
	  {"avgpool`, `"kernel": 4`, `"stride": 3`, `"maps": 7`, `"kernel": 5`, `"stride": 4`, `"pad": 2`, `"rate": 0.5`, `"units": 16`, `"std": 0.3`} {
		if strings.Count(file, field) != 1 {
			t.Fatalf("%s is there %d times", field, strings.Count(file, field))
		}
		name, rest, _ := strings.Cut(field, ": ")
		_, rest = rest, strings.TrimLeft(rest, "0123456789.")
		for _, value := range []string{"1000", "20000000", "2147483647", "9223372036854775807", "1e38", "1e308"} {
			nets[field+" → "+value] = strings.Replace(file, field, name+": "+value+rest, 1)
		}
	}
	// One pixel lets everything else be large; large pictures let windows be many.
	for _, maps := range []int{20_000_000, 200_000_000} {
		for _, towers := range []int{1, maps} {
			for _, layer := range []string{"conv", "local"} {
				nets[fmt.Sprintf("%d maps of one pixel, %s, %d towers", maps, layer, towers)] = fmt.Sprintf(`{"name": "n", "input": {"size": 1}, "towers": %d, "classes": 10, "layers": [
				  {"name": "c", "%s": {"maps": %d, "kernel": 1, "stride": 1, "pad": 0, "std": 1}}, {"maxpool": {"kernel": 1, "stride": 1, "pad": 0}}, {"name": "d", "dense": {"std": 1}}]}`, towers, layer, maps)
			}
		}
	}
	for _, size := range []int{1000, 8192} {
		for _, layer := range []string{`"maxpool": {"kernel": 15, "stride": 1, "pad": 14}`, `"maxpool": {"kernel": 2, "stride": 2, "pad": 0}`, `"avgpool": {"kernel": 999, "stride": 1, "pad": 0}`,
			`"name": "c", "conv": {"maps": 1, "kernel": 999, "stride": 1, "pad": 0, "std": 1}`, `"name": "c", "conv": {"maps": 1, "kernel": 3, "stride": 1, "pad": 0, "std": 1}`} {
			nets[fmt.Sprintf("%d pixels, %s", size, layer)] = fmt.Sprintf(`{"name": "n", "input": {"size": %d}, "towers": 1, "classes": 10, "layers": [
			  {%s}, {"maxpool": {"kernel": 1, "stride": 999, "pad": 0}}, {"name": "d", "dense": {"std": 1}}]}`, size, layer)
		}
	}
	many := func(layer func(i int) string, n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = layer(i)
		}
		return `{"name": "n", "input": {"size": 1}, "towers": 1, "classes": 2, "layers": [` + strings.Join(all, ",") + `, {"name": "d", "dense": {"std": 1}}]}`
	}
	for _, n := range []int{999, 22_000} {
		nets[fmt.Sprint(n, " layers")] = many(func(int) string { return `{"activate":"relu"}` }, n)
		nets[fmt.Sprint(n, " layers with weights")] = many(func(i int) string { return fmt.Sprintf(`{"name":"d%d","dense":{"units":1,"std":1}}`, i) }, n)
	}
	for _, precision := range []string{"fp32", "bf16"} {
		for name, text := range nets {
			for _, batch := range []int{1, 1024} {
				if err := planned(t, text, precision, batch); err != nil {
					t.Errorf("%s, %s, batch %d: %v", name, precision, batch, err)
				}
			}
		}
	}
}

// planned reports a net whose plan takes long or much.
func planned(t *testing.T, text, precision string, batch int) error {
	t.Helper()
	c, err := cpu.New("cpu", cpu.Options{Kernels: "portable", Precision: precision})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := used(t)
	net, err := engine.ReadNet(strings.NewReader(text))
	if err == nil {
		_, err = engine.PlanModel(net, []engine.Context{c}, engine.ModelConfig{Batch: batch})
	}
	runtime.ReadMemStats(&after)
	took, taken := used(t)-begun, (after.TotalAlloc-before.TotalAlloc)>>20
	if took > 5*time.Second || taken > 2000 {
		return fmt.Errorf("%v of processor time, %d MB; outcome: %w", took, taken, errors.Join(err, errors.New("")))
	}
	return nil
}

// used is the processor time of this process.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
