package bytesize

import "testing"

func TestParse(t *testing.T) {
	for text, want := range map[string]int64{"64MiB": 64 << 20, "1 GiB": 1 << 30, "100MB": 1e8, "65536": 65536, "7B": 7, "2KiB": 2048} {
		if got, err := Parse(text); got != want || err != nil {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5GiB", "9999999999GiB", "64 Mio"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}
