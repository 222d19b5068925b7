// Command ctrlbreak starts a program on Windows, presses Ctrl-Break once a file is
// there that a pattern matches, and exits with the program's code.
//
//	ctrlbreak PATTERN PROGRAM ARGUMENTS…
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	c := exec.Command(os.Args[2], os.Args[3:]...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if err := c.Start(); err != nil {
		fail(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if found, _ := filepath.Glob(os.Args[1]); len(found) > 0 {
			break
		}
		if time.Now().After(end) {
			c.Process.Kill()
			fail(fmt.Errorf("no %s after a minute", os.Args[1]))
		}
	}
	if err := press(c.Process.Pid); err != nil {
		c.Process.Kill()
		fail(err)
	}
	c.Wait()
	os.Exit(c.ProcessState.ExitCode())
}

// press does what a console does when the keys are pressed: it starts a thread of
// the process in the system's own routine for that. GenerateConsoleCtrlEvent, which
// asks the console to, knows Ctrl-C alone under wine.
func press(pid int) error {
	const threads, memory = 0x2, 0x8 | 0x10 | 0x20 // rights to create one
	process, err := syscall.OpenProcess(threads|memory|syscall.PROCESS_QUERY_INFORMATION, false, uint32(pid))
	if err != nil {
		return err
	}
	defer syscall.CloseHandle(process)
	routine := syscall.NewLazyDLL("kernelbase.dll").NewProc("CtrlRoutine") // at the same address in every process
	if err := routine.Find(); err != nil {
		return err
	}
	thread, _, err := syscall.NewLazyDLL("kernel32.dll").NewProc("CreateRemoteThread").
		Call(uintptr(process), 0, 0, routine.Addr(), syscall.CTRL_BREAK_EVENT, 0, 0)
	if thread == 0 {
		return err
	}
	return syscall.CloseHandle(syscall.Handle(thread))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "ctrlbreak:", err)
	os.Exit(99)
}
