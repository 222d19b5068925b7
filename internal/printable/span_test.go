package printable

import (
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		400 * time.Millisecond: "0s", 42 * time.Second: "42s", 190 * time.Second: "3m10s",
		125 * time.Minute: "2h05m", 76 * time.Hour: "3d04h",
	} {
		if got := Span(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
