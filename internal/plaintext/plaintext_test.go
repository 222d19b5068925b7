package plaintext

import (
	"strings"
	"testing"
)

func TestBytes(t *testing.T) {
	const want = "a: 1\nπ 😀\n"
	for name, text := range map[string]string{
		"plain": want, "marked": "\xef\xbb\xbf" + want,
		"little-endian": "\xff\xfea\x00:\x00 \x001\x00\n\x00\xc0\x03 \x00\x3d\xd8\x00\xde\n\x00",
		"big-endian":    "\xfe\xff\x00a\x00:\x00 \x001\x00\n\x03\xc0\x00 \xd8\x3d\xde\x00\x00\n",
	} {
		if got, err := Bytes([]byte(text)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for text, want := range map[string]string{"a\x00b\x00": "without a byte order mark", "\xff\xfea": "within a character", "\xff\xfe\x3d\xd8a\x00": "half a character"} {
		if got, err := Bytes([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	if got, err := Bytes(nil); err != nil || len(got) != 0 {
		t.Errorf("nothing: %q, %v", got, err)
	}
}
