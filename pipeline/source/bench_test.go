package source

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// holes writes a file and leaves holes where a write is all zeros.
type holes struct{ *os.File }

func (h holes) Write(b []byte) (int, error) {
	for _, c := range b {
		if c != 0 {
			return h.File.Write(b)
		}
	}
	_, err := h.Seek(int64(len(b)), io.SeekCurrent)
	return len(b), err
}

// BenchmarkILSVRCTrain indexes a training archive of ten classes as large as
// ImageNet's, with holes for pictures: 12,810 pictures of 110 kB, 1.4 GB.
func BenchmarkILSVRCTrain(b *testing.B) {
	const classes, each, size = 10, 1281, 110_000
	p := filepath.Join(b.TempDir(), trainArchive)
	f, err := os.Create(p)
	if err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, size)
	outer := tar.NewWriter(holes{f})
	for c := range classes {
		id := fmt.Sprintf("n%08d", 1440764+c)
		padded := (size + 511) &^ 511
		outer.WriteHeader(&tar.Header{Name: id + ".tar", Mode: 0o644, Size: each*int64(512+padded) + 1024})
		inner := tar.NewWriter(outer)
		for i := range each {
			inner.WriteHeader(&tar.Header{Name: fmt.Sprintf("%s_%d.JPEG", id, i), Mode: 0o644, Size: size})
			if _, err := inner.Write(payload); err != nil {
				b.Fatal(err)
			}
		}
		if err := inner.Close(); err != nil {
			b.Fatal(err)
		}
	}
	if err := outer.Close(); err != nil {
		b.Fatal(err)
	}
	f.Write([]byte("end")) // not a hole
	f.Close()

	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := held()
	var s Source
	for b.Loop() {
		if s, err = Open(b.Context(), p, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	if n := len(s.Items()); n != classes*each {
		b.Fatalf("%d pictures", n)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/(classes*each), "µs/picture")
	b.ReportMetric(float64(held()-before)/(classes*each), "B/picture")
	runtime.KeepAlive(s)
}
