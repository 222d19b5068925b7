package loopback

import "testing"

func TestHost(t *testing.T) {
	for header, want := range map[string]bool{
		"localhost": true, "LOCALHOST:80": true, "127.0.0.1": true, "127.9.9.9:8080": true, "[::1]": true, "[::1]:8080": true,
		"": false, "evil.example": false, "evil.example:8080": false, "localhost.evil.example": false, "10.0.0.1": false,
		"127.0.0.1.evil.example:80": false, "0.0.0.0:80": false, "[::]:80": false, "[::1": true,
	} {
		if got := Host(header); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}
