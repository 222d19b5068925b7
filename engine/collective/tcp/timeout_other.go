//go:build !linux

package tcp

import (
	"net"
	"time"
)

// userTimeout does nothing where the system has none: keep-alive has to do.
func userTimeout(*net.TCPConn, time.Duration) {}
