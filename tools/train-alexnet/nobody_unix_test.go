//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// asNobody makes a command run as a user without rights.
func asNobody(p *exec.Cmd) {
	const nobody = 65534
	p.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}
