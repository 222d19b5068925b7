package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// output runs a program, and returns its output: at most a megabyte, more than any of
// them prints. An error has the last line of its messages.
func output(c *exec.Cmd) ([]byte, error) {
	var printed capped
	var messages tail
	c.Stdout, c.Stderr = &printed, &messages
	err := c.Run()
	if printed.full {
		return nil, errors.New("it prints over 1 MiB")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, messages.lastLine())
	}
	return printed.text, nil
}

// capped accepts a megabyte. A longer write fails, which ends the writer.
type capped struct {
	text []byte
	full bool
}

func (c *capped) Write(p []byte) (int, error) {
	if c.full = c.full || len(c.text)+len(p) > 1<<20; c.full {
		return 0, io.ErrShortWrite
	}
	c.text = append(c.text, p...)
	return len(p), nil
}

// tail keeps the last kilobytes written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 4096
	t.kept = append(t.kept, p[max(0, len(p)-most):]...)
	t.kept = append(t.kept[:0], t.kept[max(0, len(t.kept)-most):]...)
	return len(p), nil
}

func (t *tail) lastLine() string {
	text := strings.TrimSpace(string(t.kept))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
