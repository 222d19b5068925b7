//go:build !linux

package tcp

import (
	"net"
	"time"
)

// userTimeout isn't available on this system; keep-alive has to suffice.
func userTimeout(*net.TCPConn, time.Duration) {}
