// Package check runs the engine's conformance suite (package enginetest) on the devices
// of this machine, outside Go's tests.
package check

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/enginetest"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// tolerances of the suite, by precision.
var tolerances = map[string]enginetest.Tolerance{"fp32": enginetest.FP32, "tf32": enginetest.TF32, "bf16": enginetest.BF16}

// Run runs the suite on the devices of this machine and prints one verdict a line.
// only and precision, if they are given, choose among them; kernels is the set of the
// CPU.
func Run(stdout io.Writer, only, precision, kernels string) error {
	found := devices.List()
	failed, passed := 0, 0
	for _, d := range found.Devices {
		if only != "" && d.Name != only {
			continue
		}
		for _, p := range d.Precisions {
			if precision != "" && p != precision {
				continue
			}
			o := devices.Options{Precision: p, Deterministic: true, Kernels: kernels}
			what := d.Name + " " + p
			switch chosen, err := devices.ChosenKernels(d.Name, o); {
			case err != nil:
				return devices.SettingError(err)
			case chosen != "":
				what += " " + chosen
			}
			open := func() (engine.Context, error) {
				contexts, err := devices.Open(d.Name, o)
				if err != nil {
					return nil, err
				}
				return contexts[0], nil
			}
			for _, c := range enginetest.Cases() {
				worst, err := c.Check(open, tolerances[p])
				if err != nil {
					failed++
					printable.Fprintf(stdout, "FAIL\t%s\t%s\t%v\n", what, c.Name, err)
					continue
				}
				passed++
				printable.Fprintf(stdout, "ok\t%s\t%s\t%.0f %% of the tolerance\n", what, c.Name, 100*worst)
			}
		}
	}
	if failed+passed == 0 {
		return setting.Invalidf("%s %s: no such device and precision here; there is %s", setting.Value("only", only), setting.Value("precision", precision), strings.Join(names(found), ", "))
	}
	fmt.Fprintf(stdout, "%d cases passed, %d failed\n", passed, failed)
	if failed > 0 {
		return fmt.Errorf("%d of %d cases failed", failed, failed+passed)
	}
	return nil
}

// names returns the devices' names with their precisions.
func names(found devices.Inventory) []string {
	var all []string
	for _, d := range found.Devices {
		all = append(all, d.Name+" ("+strings.Join(d.Precisions, ", ")+")")
	}
	return slices.Clip(all)
}
