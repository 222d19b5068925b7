package host_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"alexnet/engine/cuda/internal/kernels/host"
)

// params are those of the selftest kernels.
type params struct {
	y unsafe.Pointer
	n int32
}

// build has the selftest kernels.
func build(t *testing.T) *host.Library {
	t.Helper()
	l, err := host.Build("-DSELFTEST")
	if errors.Is(err, host.ErrNoCompiler) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func launch(l *host.Library, name string, grid, block [3]uint32, shared uint32, y []float32, n int32) error {
	p := params{unsafe.Pointer(unsafe.SliceData(y)), n}
	return l.Launch("selftest_"+name, grid, block, shared, unsafe.Slice((*byte)(unsafe.Pointer(&p)), unsafe.Sizeof(p)))
}

// TestMisuse holds that what a GPU would answer with nonsense, or nothing, is an
// error here, and that the thread's next launch is none the worse for it.
func TestMisuse(t *testing.T) {
	l := build(t)
	one := [3]uint32{1, 1, 1}
	y := make([]float32, 64)
	for _, c := range []struct {
		name   string
		block  uint32
		shared uint32
		n      int32
		want   string
	}{
		{"gone", 64, 0, 40, "of 64 threads 24 have ended while others wait at line"},
		{"gone_shuffle", 32, 0, 31, "of 32 threads 1 have ended while others wait at line"},
		{"shuffle", 48, 0, 0, "while others wait at line"}, // half a warp
		{"two_barriers", 64, 0, 7, "threads wait at different barriers"},
		{"unaligned", 1, 0, 0, "an access of 16 bytes at"},
		{"overrun", 20, 64, 0, "wrote past its 64 bytes of shared memory"},
		{"no such", 1, 0, 0, "no kernel of this name"},
		{"barrier", 1025, 0, 0, "blocks of 1025×1×1 threads, at most 1024"},
		{"barrier", 0, 0, 0, "blocks of 0×1×1 threads"},
		{"barrier", 1, 1 << 16, 0, "65536 bytes of shared memory, at most 49152"},
	} {
		err := launch(l, c.name, one, [3]uint32{c.block, 1, 1}, c.shared, y, c.n)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if err := launch(l, "barrier", one, [3]uint32{64, 1, 1}, 256, y, 0); err != nil || y[0] != 1 || y[63] != 0 {
			t.Fatalf("a launch after %s: %v, %v", c.name, y, err)
		}
	}
	if err := l.Launch("selftest_barrier", one, one, 0, make([]byte, 3)); err == nil || !strings.Contains(err.Error(), "3 bytes of parameters, want 16") {
		t.Errorf("short parameters: %v", err)
	}
	if err := launch(l, "barrier", [3]uint32{1, 65536, 1}, one, 0, y, 0); err == nil || !strings.Contains(err.Error(), "a grid of 1×65536×1") {
		t.Errorf("high grid: %v", err)
	}
}

// TestRace shows a missing barrier: the orders disagree.
func TestRace(t *testing.T) {
	l := build(t)
	for _, name := range []string{"barrier", "race"} {
		var results [][]float32
		for _, order := range []host.Order{host.Forward, host.Backward, 5} {
			l.Order = order
			y := make([]float32, 3*96)
			if err := launch(l, name, [3]uint32{3, 1, 1}, [3]uint32{96, 1, 1}, 96*4, y, 0); err != nil {
				t.Fatal(err)
			}
			results = append(results, y)
		}
		same := slices.Equal(results[0], results[1]) && slices.Equal(results[0], results[2])
		if same != (name == "barrier") {
			t.Errorf("%s: the same in every order: %t", name, same)
		}
	}
}

// TestMachine looks at shuffles, fresh shared memory and the numbering of blocks
// and threads.
func TestMachine(t *testing.T) {
	l := build(t)
	for _, order := range []host.Order{host.Forward, host.Backward, 9} {
		l.Order = order
		y := make([]float32, 64)
		if err := launch(l, "shuffle", [3]uint32{1, 1, 1}, [3]uint32{64, 1, 1}, 0, y, 0); err != nil {
			t.Fatal(err)
		}
		if y[0] != 31*32/2 || y[31] != y[0] || y[32] != y[0]+32*32 || y[63] != y[32] {
			t.Errorf("order %d: sums of warps %v", order, y)
		}
		if err := launch(l, "fresh", [3]uint32{64, 1, 1}, [3]uint32{1, 1, 1}, 4, y, 0); err != nil {
			t.Fatal(err)
		}
		for i, v := range y {
			if !math.IsNaN(float64(v)) {
				t.Errorf("block %d finds %g in shared memory", i, v)
			}
		}
		places := make([]float32, 2*3*4*5*6*7)
		if err := launch(l, "place", [3]uint32{2, 3, 4}, [3]uint32{5, 6, 7}, 0, places, 0); err != nil {
			t.Fatal(err)
		}
		for i, v := range places {
			if int(v) != i {
				t.Fatalf("order %d: place %d holds %g", order, i, v)
			}
		}
	}
}

// TestConcurrent launches from several goroutines at once.
func TestConcurrent(t *testing.T) {
	l := build(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			y := make([]float32, 4*128)
			for range 20 {
				if err := launch(l, "barrier", [3]uint32{4, 1, 1}, [3]uint32{128, 1, 1}, 512, y, 0); err != nil {
					t.Error(err)
				}
				if y[0] != 1 || y[127] != 0 || y[511] != 0 {
					t.Errorf("%v", y)
				}
				if err := launch(l, "gone", [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}, 0, y, 7); err == nil {
					t.Error("no error")
				}
			}
		})
	}
	group.Wait()
}
