package main

import (
	"fmt"
	"slices"
	"strings"

	"alexnet/engine/devices"
)

const kernelsUsage = "`NAME` of the set of kernels on CPUs: auto is the fastest that the machine can run, train-alexnet devices names the others; the last bits of results depend on it"

// agreeOnKernels makes the ranks compute with the same set of kernels: weights
// that each rank updates by itself would drift apart otherwise. Where the user
// doesn't name one it is the fastest that all ranks have.
func (j *job) agreeOnKernels() error {
	if j.kernels == "" || j.Kernels != devices.Auto || j.group.Size() == 1 {
		return nil
	}
	var mine []string // the fastest last
	for _, k := range devices.KernelSets(j.Precision) {
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
		j.line.Print("all ranks compute with the kernels %s, the fastest that each of them has", common)
	}
	return nil
}

// commonKernels is the fastest set that stands in all lists, by the order of the
// first one; "" is none.
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

// otherKernels is what to tell whoever resumes a run that another set of kernels
// has trained; "" is nothing.
func (j *job) otherKernels() string {
	old := j.checkpoint.Kernels
	if old == "" || old == j.kernels {
		return ""
	}
	now := j.kernels
	if now == "" {
		now = "a GPU"
	}
	say := fmt.Sprintf("the run was trained with the kernels %s and goes on with %s: losses and weights may differ in their last bits from those of a run that was never stopped", old, now)
	for _, k := range devices.KernelSets(j.Precision) {
		if k.Name == old && k.Usable && j.kernels != "" {
			return say + "; --kernels " + old + " holds them"
		}
	}
	return say + "; a machine that has " + old + " holds them"
}
