package tcp

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

func TestFrame(t *testing.T) {
	for _, n := range []int{0, 1, 4095, 4096, 4097, 100000} {
		h := header{kind: kindBroadcast, root: 3, round: 1 << 40, count: uint64(n)}
		body := bytes.Repeat([]byte{7}, n)
		f, err := readFrame(bytes.NewReader(append(h.append(nil), body...)))
		if err != nil || f.header != h || !bytes.Equal(f.body, body) {
			t.Errorf("%d bytes: %+v, %v", n, f.header, err)
		}
	}
	for _, c := range []struct {
		h    header
		want string
	}{
		{header{kind: 0}, "a frame of kind 0"},
		{header{kind: kindAllToAll + 1}, "a frame of kind 8"},
		{header{kind: kindSum, count: 1}, "among those of calls on"},
		{header{kind: kindGather, count: largestBody + 1}, "of 1073741825 bytes"},
	} {
		if _, err := readFrame(bytes.NewReader(append(c.h.append(nil), 0))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.h, err, c.want)
		}
	}
}

// A length alone takes no memory.
func TestFrameMemory(t *testing.T) {
	h := header{kind: kindGather, count: largestBody}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := readFrame(bytes.NewReader(append(h.append(nil), make([]byte, 5000)...)))
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<18 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes of memory for 5,000 that came, error %v", n, err)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(header{kind: kindGather, count: 3}.append(nil))
	f.Add(append(header{kind: kindEnd, root: 1, round: 2, count: 3}.append(nil), "why"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readFrame(bytes.NewReader(data))
		if err != nil {
			return
		}
		again := append(got.header.append(nil), got.body...)
		if uint64(len(got.body)) != got.count || !bytes.HasPrefix(data, again) {
			t.Errorf("%x is read as %x", data, again)
		}
	})
}

func FuzzGreeting(f *testing.F) {
	f.Add(greeting{lane: laneValues, rank: 1, size: 2}.append(make([]byte, nonceSize)))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := parseGreeting(data)
		if err == nil && !bytes.Equal(g.append(data[len(data)-nonceSize:]), data) {
			t.Errorf("%x is read as %+v", data, g)
		}
	})
}
