package augment

import (
	"bytes"
	"testing"
)

func TestPlanes(t *testing.T) {
	got := make([]byte, 18) // 2×3
	Planes(got, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18})
	if want := []byte{1, 4, 7, 10, 13, 16, 2, 5, 8, 11, 14, 17, 3, 6, 9, 12, 15, 18}; !bytes.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	Planes(nil, nil)
}
