package stream

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// available is the free memory without swapping, in bytes. With more shared memory the
// kernel would kill other processes.
func available() (int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kb); n == 1 {
			return kb << 10, nil
		}
	}
	return 0, errors.New("/proc/meminfo doesn't say what is available")
}

// allocate reserves space for zeros in a file. The system clears its pages when they are
// first used.
func allocate(f *os.File, at, n int64) error {
	for {
		if err := unix.Fallocate(int(f.Fd()), 0, at, n); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
