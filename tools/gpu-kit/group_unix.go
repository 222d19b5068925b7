//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// endsAsGroup makes a command's end also end all processes that it has started.
func endsAsGroup(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
