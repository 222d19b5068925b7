package cpu

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"alexnet/engine"
)

// hostMemory is what all contexts on processors take theirs from.
type hostMemory struct{}

// Room is the memory that Linux has available, swap included, or the limit of
// the process' control group where that is less.
func (c *Context) Room() (engine.Room, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return engine.Room{}, fmt.Errorf("%s: room: %w", c.name, err)
	}
	defer f.Close()
	sizes := map[string]int64{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if kib, err := strconv.ParseInt(number, 10, 64); err == nil {
			sizes[name] = kib << 10
		}
	}
	if sizes["MemTotal"] == 0 || sizes["MemAvailable"] == 0 {
		return engine.Room{}, fmt.Errorf("%s: room: /proc/meminfo doesn't say what is available", c.name)
	}
	r := engine.Room{Of: hostMemory{}, Where: "this machine", Total: sizes["MemTotal"] + sizes["SwapTotal"], Free: sizes["MemAvailable"] + sizes["SwapFree"]}
	if limit, ok := groupLimit("/proc/self/cgroup", "/sys/fs/cgroup"); ok {
		r.Total, r.Free = min(r.Total, limit), min(r.Free, limit)
	}
	return r, nil
}

// groupLimit is the least memory that the control groups (version 2) of a process
// and those above them allow.
func groupLimit(process, root string) (least int64, ok bool) {
	text, err := os.ReadFile(process)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		group, found := strings.CutPrefix(strings.TrimSpace(line), "0::")
		for found {
			word, err := os.ReadFile(path.Join(root, group, "memory.max"))
			if err == nil {
				if n, err := strconv.ParseInt(strings.TrimSpace(string(word)), 10, 64); err == nil && (!ok || n < least) {
					least, ok = n, true
				}
			}
			if group == "/" || group == "" {
				break
			}
			group = path.Dir(group)
		}
	}
	return least, ok
}

// Estimate does nothing: plans of processors are never timed.
func (c *Context) Estimate() {}
