package train

import (
	"fmt"
	"slices"
	"strings"

	"alexnet/engine/devices"
	"alexnet/internal/setting"
)

// agreeOnKernels makes all ranks compute with the same set of kernels. With different
// sets, weights that each rank updates by itself would drift apart. If the user does
// not name a set, it is the fastest that all ranks have.
func (j *Job) agreeOnKernels() error {
	if j.kernels == "" || j.c.Kernels != devices.Auto || j.group.Size() == 1 {
		return nil
	}
	var mine []string // the fastest last
	for _, k := range devices.KernelSets(j.c.Precision) {
		if k.Usable {
			mine = append(mine, k.Name)
		}
	}
	all, err := j.group.Gather([]byte(strings.Join(mine, " ")))
	if err != nil {
		return err
	}
	common := commonKernels(all)
	if common == "" {
		return fmt.Errorf("no set of kernels is on all ranks: rank 0 has %s and this one %s", all[0], strings.Join(mine, " "))
	}
	if j.kernels = common; slices.ContainsFunc(all, func(names []byte) bool { return string(names) != string(all[0]) }) {
		j.note("all ranks compute with the kernels %s, the fastest that each of them has", common)
	}
	return nil
}

// commonKernels returns the fastest set that is in all lists, by the order of the
// first list; "" is none.
func commonKernels(lists [][]byte) (common string) {
	for _, name := range strings.Fields(string(lists[0])) {
		everywhere := true
		for _, list := range lists[1:] {
			everywhere = everywhere && slices.Contains(strings.Fields(string(list)), name)
		}
		if everywhere {
			common = name
		}
	}
	return common
}

// noteOtherKernels tells the user of a resumed run that it was trained with another
// set of kernels before.
func (j *Job) noteOtherKernels() {
	old := j.checkpoint.Kernels
	if old == "" || old == j.kernels {
		return
	}
	now := j.kernels
	if now == "" {
		now = "a GPU"
	}
	holds := setting.Textf("a machine that has %s", old)
	for _, k := range devices.KernelSets(j.c.Precision) {
		if k.Name == old && k.Usable && j.kernels != "" {
			holds = setting.Textf("%s", setting.Suggest("kernels", old))
		}
	}
	j.note("the run was trained with the kernels %s and goes on with %s: losses and weights may differ in their last bits from those of a run that was never stopped; %s holds them", old, now, holds)
}
