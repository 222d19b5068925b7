package main

import "strings"

// card holds a GPU's numbers from NVIDIA's data sheets: products in TFLOP/s, dense, and
// the memory's bandwidth in GB/s.
type card struct {
	name            string
	bf16, bandwidth float64
}

// cards is searched in this order. A name that is part of another name comes after
// it.
var cards = []card{
	{"B200", 2250, 8000},
	{"H200", 989, 4800},
	{"H100 PCIe", 756, 2000},
	{"H100 NVL", 835, 3900},
	{"H100", 989, 3350},
	{"A100-SXM4-80GB", 312, 2039},
	{"A100 80GB PCIe", 312, 1935},
	{"A100", 312, 1555},
	{"L40S", 362, 864},
	{"L4", 121, 300},
	{"RTX 4090", 165, 1008},
	{"A10", 125, 600},
}

// cardOf returns the entry of the first GPU in a list of devices; an empty one if the
// table does not have it.
func cardOf(devices string) card {
	about := aboutDevice(devices, "cuda:0")
	for _, c := range cards {
		if strings.Contains(about, c.name) {
			return c
		}
	}
	return card{}
}

// aboutDevice returns the line about one device in a list, or "".
func aboutDevice(devices, name string) string {
	for line := range strings.Lines(devices) {
		if about, ok := strings.CutPrefix(line, name+"\t"); ok {
			return about
		}
	}
	return ""
}
