package cpu

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// room returns Linux's available memory, swap included, or the limit of the process's
// control group if that is less.
func room() (total, free int64, err error) {
	total, free, err = machineMemory("/proc/meminfo")
	if limit, ok := groupLimit("/proc/self/cgroup", "/sys/fs/cgroup"); ok && err == nil {
		total, free = min(total, limit), min(free, limit)
	}
	return total, free, err
}

// machineMemory returns the machine's memory, swap included, in bytes. Without /proc it
// uses the kernel's own call, which counts no cached files as free.
func machineMemory(meminfo string) (total, free int64, err error) {
	f, err := os.Open(meminfo)
	if errors.Is(err, fs.ErrNotExist) {
		var info unix.Sysinfo_t
		if err := unix.Sysinfo(&info); err != nil {
			return 0, 0, err
		}
		unit := int64(info.Unit)
		return (int64(info.Totalram) + int64(info.Totalswap)) * unit, (int64(info.Freeram) + int64(info.Bufferram) + int64(info.Freeswap)) * unit, nil
	}
	if err != nil {
		return 0, 0, err
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
		return 0, 0, fmt.Errorf("%s doesn't say what is available", meminfo)
	}
	return sizes["MemTotal"] + sizes["SwapTotal"], sizes["MemAvailable"] + sizes["SwapFree"], nil
}

// groupLimit returns the smallest memory limit of a process's control groups and of those
// above them, of version 2 ("0::/a/b", memory.max below root) and of version 1
// ("4:memory:/a/b", memory.limit_in_bytes below root/memory). A container with version 1
// has a group name that it can't see; then its own limit is at the top.
func groupLimit(process, root string) (least int64, ok bool) {
	text, err := os.ReadFile(process)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		folder, name := root, "memory.max"
		if fields[0] != "0" {
			if !slices.Contains(strings.Split(fields[1], ","), "memory") {
				continue
			}
			folder, name = path.Join(root, "memory"), "memory.limit_in_bytes"
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			word, err := os.ReadFile(path.Join(folder, group, name))
			if err == nil {
				if n, err := strconv.ParseInt(strings.TrimSpace(string(word)), 10, 64); err == nil && (!ok || n < least) {
					least, ok = n, true
				}
			}
			if group == "/" {
				break
			}
		}
	}
	return least, ok
}
