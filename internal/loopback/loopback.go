// Package loopback recognises requests that are meant for this machine alone.
package loopback

import (
	"net"
	"strings"
)

// Host reports whether the Host header of a request names this machine's loopback:
// localhost, 127.0.0.0/8 or ::1, with or without a port. A web page can point a name
// of its own at 127.0.0.1 (DNS rebinding); its requests carry that name.
func Host(header string) bool {
	host, _, err := net.SplitHostPort(header)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(header, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
