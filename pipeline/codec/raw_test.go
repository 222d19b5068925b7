package codec

import (
	"bytes"
	"testing"
)

func TestRaw(t *testing.T) {
	c := Raw{}
	if got, want := c.Encoding(256), "ndarray:uint8:256,256,3"; got != want {
		t.Errorf("encoding %q, want %q", got, want)
	}
	rgb := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255}
	encoded, err := c.NewEncoder(2).Encode(nil, rgb)
	if err != nil || !bytes.Equal(encoded, rgb) {
		t.Fatalf("encoded %v, %v; want the pixels themselves", encoded, err)
	}
	decoded := make([]byte, 12)
	if err := c.NewDecoder(2).Decode(decoded, encoded); err != nil || !bytes.Equal(decoded, rgb) {
		t.Fatalf("decoded %v, %v; want %v", decoded, err, rgb)
	}
}
