package emulator

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"alexnet/engine/cuda/internal/gpu"
)

// each runs f for every rank on a thread that has bound a device of its own.
func each(t *testing.T, m *Machine, f func(rank int, d *Device) error) {
	t.Helper()
	errs := make([]error, len(m.devices))
	var all sync.WaitGroup
	for r, d := range m.devices {
		all.Go(func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			if errs[r] = d.Bind(); errs[r] == nil {
				errs[r] = f(r, d)
			}
		})
	}
	all.Wait()
	must(t, errs...)
}

// Calls on two streams run in their order, and what ranks call differently is
// refused.
func TestCommunicator(t *testing.T) {
	m, first := open(t, Options{Devices: 2, Delay: 100 * time.Microsecond})
	id := get[[]byte](t)(first.CommunicatorID())
	each(t, m, func(rank int, d *Device) error {
		c, err := d.Join(id, rank, 2, time.Minute)
		if err != nil {
			return err
		}
		a, err := d.NewStream()
		if err != nil {
			return err
		}
		b, err := d.NewStream()
		if err != nil {
			return err
		}
		p, err := d.Allocate(64)
		if err != nil {
			return err
		}
		x := view[float32](p, 8)
		copy(x, []float32{1, 2, 3, float32(10 * rank)})
		err = errors.Join(c.AllReduce(a, []gpu.Array{{At: p, Count: 1}, {At: p.Add(8), Count: 1}}, gpu.Float32), c.AllGather(b, p.Add(16), p, 2, gpu.Float32),
			c.AllReduce(a, []gpu.Array{{At: p, Count: 1}}, gpu.Float32), c.AllToAll(b, p.Add(48), p.Add(8), 1, gpu.Float32), a.Synchronize(), b.Synchronize())
		want := [][]float32{{4, 2, 6, 0, 2, 2, 2, 2, 0, 0, 0, 0, 6, 6}, {4, 2, 6, 10, 2, 2, 2, 2, 0, 0, 0, 0, 0, 10}}[rank]
		for i, v := range view[float32](p, 14) {
			if (i < 8 || i >= 12) && v != want[i] {
				t.Errorf("rank %d: element %d is %g, want %g", rank, i, v, want[i])
			}
		}
		wants(t, c.AllReduce(a, []gpu.Array{{At: p.Add(60), Count: 2}}, gpu.Float32), "outside every allocation")
		if err := a.Capture(); err != nil {
			return err
		}
		wants(t, c.AllReduceFlag(a, p), "the thread is capturing")
		g, captured := a.Captured()
		if captured != nil {
			return captured
		}
		_, again := d.Join(id, 1-rank, 2, time.Minute)
		wants(t, again, "is on device")

		err = errors.Join(err, g.Close(), c.Failure(), c.AllReduce(a, []gpu.Array{{At: p, Count: int64(1 + rank)}}, gpu.Float32))
		for !m.refused() { // one rank's kernel fails, and the other's waits
			time.Sleep(time.Millisecond)
		}
		return errors.Join(err, c.Abort(), c.Close(), a.Close(), b.Close(), d.Free(p))
	})
	if !m.refused() {
		t.Error("sums of one and of two elements met")
	}
	must(t, m.Check())
}

// refused reports whether a device has failed.
func (m *Machine) refused() bool {
	for _, d := range m.devices {
		if d.failed() != nil {
			return true
		}
	}
	return false
}

func TestDisconnect(t *testing.T) {
	m, first := open(t, Options{Devices: 2})
	id := get[[]byte](t)(first.CommunicatorID())
	each(t, m, func(rank int, d *Device) error {
		c, err := d.Join(id, rank, 2, time.Minute)
		if err != nil {
			return err
		}
		m.Disconnect()
		if err := c.Failure(); !errors.Is(err, gpu.ErrStalled) {
			t.Errorf("failure %v", err)
		}
		return c.Close()
	})
	_, err := first.Join(get[[]byte](t)(first.CommunicatorID()), 0, 2, 10*time.Millisecond)
	if !errors.Is(err, gpu.ErrStalled) {
		t.Errorf("joined alone: %v", err)
	}
	must(t, m.Check())
}
