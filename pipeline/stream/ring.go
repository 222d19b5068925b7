package stream

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
)

// ring divides the shared memory into slots. A slot has the pixels of a batch at
// its start, then colours, labels and samples.
type ring struct {
	memory                   []byte
	slots, rows, side        int
	colours, labels, samples int // offsets in a slot
	slotBytes                int
}

// newRing allocates slots, each for rows pictures of side×side pixels.
func newRing(slots, rows, side int, memory func(size int) ([]byte, error)) (*ring, error) {
	// A request for more than any machine has is refused before the memory is filled.
	const most = 1 << 40
	if side < 1 || rows < 1 || slots < 1 || side > 1<<16 || rows > most/(3*side*side+28)/slots {
		return nil, &memoryError{fmt.Errorf("%d batches of %d pictures of %d×%d are more than any memory holds: ask for smaller batches or fewer of them", slots, rows, side, side)}
	}
	const line = 64 // bytes, so that arrays don't share a cache line
	up := func(n, to int) int { return (n + to - 1) / to * to }
	r := &ring{slots: slots, rows: rows, side: side}
	r.colours = up(r.pixelBytes(), line)
	r.labels = up(r.colours+12*rows, line)
	r.samples = up(r.labels+8*rows, line)
	r.slotBytes = up(r.samples+8*rows, os.Getpagesize())
	var err error
	if r.memory, err = memory(slots * r.slotBytes); err != nil {
		return nil, &memoryError{fmt.Errorf("%d batches of %d pictures of %d×%d take %d MB of shared memory: %w; give it more, or ask for smaller batches or fewer of them",
			slots, rows, side, side, slots*r.slotBytes/1e6, err)}
	}
	return r, nil
}

func (r *ring) pixelBytes() int { return r.rows * r.side * r.side * 3 }

func (r *ring) slot(i int) []byte { return r.memory[i*r.slotBytes:][:r.slotBytes:r.slotBytes] }

// pixels returns the pixels of a slot.
func (r *ring) pixels(i int) []byte { return r.slot(i)[:r.pixelBytes():r.pixelBytes()] }

// slotOf returns the slot that begins with pixels.
func (r *ring) slotOf(pixels []byte) int {
	i := 0
	for &r.slot(i)[0] != &pixels[:1][0] {
		i++
	}
	return i
}

// set writes colour, label and sample of a row of a slot.
func (r *ring) set(i, row int, colour []float32, label, sample int) {
	s := r.slot(i)
	for c, v := range colour {
		binary.LittleEndian.PutUint32(s[r.colours+12*row+4*c:], math.Float32bits(v))
	}
	binary.LittleEndian.PutUint64(s[r.labels+8*row:], uint64(label))
	binary.LittleEndian.PutUint64(s[r.samples+8*row:], uint64(sample))
}

// greeting describes the memory.
func (r *ring) greeting(channelsFirst bool) Greeting {
	shape := [4]int{r.rows, r.side, r.side, 3}
	if channelsFirst {
		shape = [4]int{r.rows, 3, r.side, r.side}
	}
	return Greeting{
		Stream: Version, Bytes: len(r.memory), Slots: r.slots, SlotBytes: r.slotBytes, Shape: shape,
		Colours: r.colours, Labels: r.labels, Samples: r.samples,
	}
}
