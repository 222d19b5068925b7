package stream

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// available is the memory that can be had without swapping, in bytes: shared memory
// beyond it would have the kernel kill other processes.
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

// allocate finds room for zeros in a file, whose pages the system clears when they
// are first touched.
func allocate(f *os.File, at, n int64) error {
	for {
		if err := unix.Fallocate(int(f.Fd()), 0, at, n); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
