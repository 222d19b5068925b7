package cuda_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/emulator"
)

// ringOf are some batches in turns, as a loader has them: the pixels lie in the
// model's host memory, and those of a batch are overwritten as soon as the step
// that reads them is finished.
type ringOf struct {
	m     *engine.Model
	slots [][]byte
	held  []int // slots of the steps under way, oldest first
	next  int
}

func newRing(t *testing.T, m *engine.Model, slots int) *ringOf {
	t.Helper()
	r := &ringOf{m: m}
	for range slots {
		b, err := m.AllocateHost(m.Config.Batch * m.Net.Input.Size * m.Net.Input.Size * 3)
		if err != nil {
			t.Fatal(err)
		}
		r.slots = append(r.slots, b)
	}
	return r
}

// put moves a batch's pixels into the ring.
func (r *ringOf) put(b engine.Batch) engine.Batch {
	slot := r.next % len(r.slots)
	r.next++
	r.held = append(r.held, slot)
	copy(r.slots[slot], b.Pixels)
	b.Pixels = r.slots[slot]
	return b
}

// finished overwrites the oldest batch.
func (r *ringOf) finished() {
	for i := range r.slots[r.held[0]] {
		r.slots[r.held[0]][i] = 0xa5
	}
	r.held = r.held[1:]
}

// TestPixelsFromHostMemory trains with batches in the memory that the model
// allocates, on streams that take their time. Every byte of the pixels is copied to
// the devices from there and none through the staging ring; no batch is read after
// its step is finished; and the losses are those of batches in Go's memory, which do
// go through the ring.
func TestPixelsFromHostMemory(t *testing.T) {
	const batch, steps, slots = 4, 6, 3
	for _, devices := range placements {
		t.Run(fmt.Sprint(devices), func(t *testing.T) {
			run := func(pinned bool) (trained, map[int]int, int) {
				m := machine(t, emulator.Options{Devices: 2, Delay: 2 * time.Millisecond})
				model := newModel(t, "small", batch, open(t, m, cuda.Options{Precision: cuda.BF16, Deterministic: true}, devices...))
				defer model.Close()
				staging := m.Count("cuMemHostAlloc")
				ring := newRing(t, model, slots)
				put, finished := func(b engine.Batch) engine.Batch { return b }, func() {}
				if pinned {
					put, finished = ring.put, ring.finished
				}
				before := len(m.Log())
				var r trained
				finish := func() {
					o, err := model.Finish()
					if err != nil {
						t.Fatal(err)
					}
					finished()
					r.loss = append(r.loss, o.Loss...)
				}
				for i := range steps {
					if err := model.Start(put(pictures(model, uint64(i))), engine.Step{Seed: 5, Number: uint64(i), LearningRate: 0.001, Momentum: 0.9}); err != nil {
						t.Fatal(err)
					}
					if i > 0 {
						finish()
					}
				}
				finish()
				return r, copiesOf(m.Log()[before:], batch*16*16*3), staging
			}
			want, copies, staging := run(false)
			if pixels := batch * 16 * 16 * 3 * steps * len(devices); total(copies, 1, staging) != pixels || total(copies, staging+1, 1<<30) != 0 {
				t.Fatalf("from Go's memory, bytes of pixels by host memory %v: want all %d from the first %d, which is staging", copies, pixels, staging)
			}
			got, copies, staging := run(true)
			if pixels := batch * 16 * 16 * 3 * steps * len(devices); total(copies, 1, staging) != 0 || total(copies, staging+1, staging+slots) != pixels {
				t.Errorf("bytes of pixels by host memory %v: want none from the first %d, which is staging, and all %d from the batches'", copies, staging, pixels)
			}
			if !slices.Equal(got.loss, want.loss) {
				t.Errorf("losses %v, want %v", got.loss, want.loss)
			}
		})
	}
}

// TestPlanIsWhatIsTaken compares the plans with what making a model allocates: one
// piece of device memory a context, and page-locked host memory for staging.
func TestPlanIsWhatIsTaken(t *testing.T) {
	for _, devices := range placements {
		m := machine(t, emulator.Options{Devices: 2})
		contexts := open(t, m, cuda.Options{Precision: cuda.BF16}, devices...)
		plans, err := engine.PlanModel(smallNet(), contexts, engine.ModelConfig{Batch: 64})
		if err != nil {
			t.Fatal(err)
		}
		before := len(m.Log())
		for i, c := range contexts {
			if err := c.Reserve(plans[i].Arena(), plans[i].Workspace); err != nil {
				t.Fatal(err)
			}
		}
		var got, want []string
		for _, line := range m.Log()[before:] {
			if strings.HasPrefix(line, "cuMemAlloc") || strings.HasPrefix(line, "cuMemHostAlloc") {
				got = append(got, line)
			}
		}
		for _, p := range plans {
			want = append(want, fmt.Sprintf("cuMemAlloc of %d bytes", p.Total()), fmt.Sprintf("cuMemHostAlloc of %d bytes", p.Staging))
			if p.Staging < 2*64*16*16*3 {
				t.Errorf("%v: %d bytes of staging don't hold two batches", devices, p.Staging)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: %q, want %q", devices, got, want)
		}
		for _, c := range contexts {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// copiesOf counts the bytes of copies of a size to devices, by the host memory
// that they come from.
func copiesOf(log []string, size int) map[int]int {
	sums := map[int]int{}
	for _, line := range log {
		var n, from int
		if strings.HasPrefix(line, "cuMemcpyHtoDAsync") {
			if _, err := fmt.Sscanf(line, "cuMemcpyHtoDAsync of %d bytes from host memory %d", &n, &from); err == nil && n == size {
				sums[from] += n
			}
		}
	}
	return sums
}

// total is the sum over host memories first to last.
func total(copies map[int]int, first, last int) (sum int) {
	for from, n := range copies {
		if first <= from && from <= last {
			sum += n
		}
	}
	return sum
}
