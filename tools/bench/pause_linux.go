package main

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"syscall"
)

// pause stops a process and its descendants, so that none of their threads works during
// another's turn.
func pause(pid int) { signalAll(pid, syscall.SIGSTOP) }

// resume continues them.
func resume(pid int) { signalAll(pid, syscall.SIGCONT) }

// killAll ends them.
func killAll(pid int) { signalAll(pid, syscall.SIGKILL) }

func signalAll(pid int, s syscall.Signal) {
	for _, p := range descendants(pid) {
		_ = syscall.Kill(p, s) // it may have ended
	}
}

// descendants returns a process and all its descendants, parents first.
func descendants(pid int) []int {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// "pid (name) state parent …"; the name may hold any characters.
		stat, _ := os.ReadFile("/proc/" + e.Name() + "/stat")
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 1 {
			parent, _ := strconv.Atoi(string(fields[1]))
			children[parent] = append(children[parent], child)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = slices.Concat(all, children[all[i]])
	}
	return all
}
