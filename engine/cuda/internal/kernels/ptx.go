package kernels

import (
	_ "embed"
	"regexp"
	"slices"
	"sync"
)

//go:embed kernels.ptx
var ptx []byte

// PTX is the text of the kernels' module. It isn't changed.
func PTX() []byte { return ptx }

var entry = regexp.MustCompile(`\.visible \.entry (\w+)\(`)

// names lists the kernels of the module once.
var names = sync.OnceValue(func() (all []string) {
	for _, m := range entry.FindAllSubmatch(ptx, -1) {
		all = append(all, string(m[1]))
	}
	slices.Sort(all)
	return all
})

// Names lists every kernel of the module, sorted.
func Names() []string { return slices.Clone(names()) }

var compiler = regexp.MustCompile(`release [\d.]+, V([\d.]+)[\s\S]*?\.version ([\d.]+)[\s\S]*?\.target (\w+)`)

// Compiler says what compiled the module and what it asks of a driver: "NVRTC
// 12.4.127, PTX 8.4 for sm_80".
func Compiler() string {
	m := compiler.FindSubmatch(ptx)
	if m == nil {
		return "unknown"
	}
	return "NVRTC " + string(m[1]) + ", PTX " + string(m[2]) + " for " + string(m[3])
}
