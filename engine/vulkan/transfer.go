package vulkan

import (
	"fmt"
	"math"
	"unsafe"

	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// staging is a ring of host memory that the device copies from and to. Pieces are taken
// and returned in order; they are returned when their flights have landed. Positions
// count bytes since the beginning.
type staging struct {
	block vk.Block
	want  int64 // the largest that Workspace has seen
	size  int64
	head  int64 // position of the next piece
	tail  int64 // end of the landed pieces; guarded by Context.mu
}

// minStaging is the smallest staging memory in bytes.
const minStaging = 1 << 20

// stagingFor returns twice the memory for the host's data of one run of ops: one batch is
// copied while another is in use.
func (c *Context) stagingFor(ops []engine.Op) int64 {
	var batch int64
	add := func(ts ...*engine.Tensor) {
		for _, t := range ts {
			if t != nil {
				batch += align(c.Bytes(t))
			}
		}
	}
	for _, op := range ops {
		switch op := op.(type) {
		case engine.Input:
			add(op.Pixels, op.Colour)
		case engine.SoftmaxLoss:
			add(op.Labels, op.Probs, op.Loss, op.LabelRank)
		}
	}
	return align(2 * batch)
}

// flight is submitted work with actions for when the timeline reaches at: commands to
// reuse, a piece of the ring to free, bytes to copy from there.
type flight struct {
	at       uint64
	commands vk.Commands
	end      int64  // of the ring's piece
	dst, src []byte // of a download
	widen    bool   // src is bfloat16, dst float32
}

// flights is a queue of flights that keeps its memory.
type flights struct {
	all   []flight
	first int
}

func (f *flights) push(x flight) {
	if f.first > 0 && len(f.all) == cap(f.all) {
		f.all = f.all[:copy(f.all, f.all[f.first:])]
		f.first = 0
	}
	f.all = append(f.all, x)
}

func (f *flights) empty() bool { return f.first == len(f.all) }

// land finishes the flights up to this position of the timeline.
func (c *Context) land(at uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &c.flights
	for !f.empty() && f.all[f.first].at <= at {
		x := &f.all[f.first]
		switch {
		case x.widen:
			widen(x.dst, x.src)
		case x.dst != nil:
			copy(x.dst, x.src)
		}
		c.staging.tail = max(c.staging.tail, x.end)
		c.spare = append(c.spare, x.commands)
		*x = flight{}
		f.first++
	}
	if f.empty() {
		f.all, f.first = f.all[:0], 0
	}
}

// landOldest waits for the first flight and finishes it.
func (c *Context) landOldest() error {
	c.mu.Lock()
	if c.flights.empty() {
		c.mu.Unlock()
		return nil
	}
	at := c.flights.all[c.flights.first].at
	c.mu.Unlock()
	if err := c.waiter.Wait(c.device.Device, c.own.timeline, at); err != nil {
		return err
	}
	c.land(at)
	return nil
}

// take waits for a piece of the ring and returns its beginning and end.
func (c *Context) take(n int64) (at, end int64, err error) {
	s := &c.staging
	length := align(n)
	if length > s.size {
		return 0, 0, fmt.Errorf("%d bytes don't fit the %d bytes reserved for copies", n, s.size)
	}
	if left := s.size - s.head%s.size; left < length {
		s.head += left
	}
	at, s.head = s.head%s.size, s.head+length
	for {
		c.mu.Lock()
		free := s.head-s.tail <= s.size
		if !free && c.flights.empty() { // the rest was skipped at the ring's end
			s.tail, free = s.head-length, true
		}
		c.mu.Unlock()
		if free {
			return at, s.head, nil
		}
		if err := c.landOldest(); err != nil {
			return 0, 0, err
		}
	}
}

// mostSpare is the most command buffers for copies; when all are used, the oldest is
// waited for.
const mostSpare = 64

// begin begins to record a command buffer for one use.
func (c *Context) begin() (vk.Commands, error) {
	c.mu.Lock()
	flying := len(c.flights.all) - c.flights.first
	c.mu.Unlock()
	if flying >= mostSpare {
		if err := c.landOldest(); err != nil {
			return 0, err
		}
	}
	c.mu.Lock()
	var k vk.Commands
	if n := len(c.spare); n > 0 {
		k, c.spare = c.spare[n-1], c.spare[:n-1]
	}
	c.mu.Unlock()
	if k == 0 {
		var err error
		if k, err = c.device.NewCommands(c.pool); err != nil {
			return 0, err
		}
	}
	if err := c.device.Begin(k); err != nil {
		return 0, err
	}
	c.device.Barrier(k)
	return k, nil
}

// fly ends a command buffer of begin, submits it with the recorded commands, and adds
// its flight.
func (c *Context) fly(f flight) error {
	if err := c.device.End(f.commands); err != nil {
		return err
	}
	c.submission.Add(f.commands)
	if err := c.submit(); err != nil {
		return err
	}
	f.at = c.submitted
	c.mu.Lock()
	c.flights.push(f)
	c.mu.Unlock()
	return nil
}

// Upload enqueues a copy of src into t.
func (c *Context) Upload(t *engine.Tensor, src any) error {
	return c.transfer("upload", t, src, false)
}

// Download enqueues a copy of t into dst.
func (c *Context) Download(dst any, t *engine.Tensor) error {
	return c.transfer("download", t, dst, true)
}

func (c *Context) transfer(verb string, t *engine.Tensor, host any, download bool) error {
	if err := c.ready(verb); err != nil {
		return err
	}
	if err := c.placed(t); err != nil {
		return fmt.Errorf("%s: %s: %w", c.name, verb, err)
	}
	bytes, err := hostBytes(t, host)
	if err != nil {
		return fmt.Errorf("%s: %s of %w", c.name, verb, err)
	}
	c.commands <- command{tensor: t, host: bytes, download: download}
	return nil
}

// chunks cuts t into ranges of elements that fit half the ring.
func (c *Context) chunks(t *engine.Tensor, do func(first, count int64) error) error {
	unit, all := c.size(t.Type), int64(t.Shape.Len())
	most := c.staging.size / 2 / unit
	for first := int64(0); first < all; first += most {
		if err := do(first, min(most, all-first)); err != nil {
			return err
		}
	}
	return nil
}

// upload copies host memory to a tensor, which may be a peer's.
func (c *Context) upload(t *engine.Tensor, src []byte) error {
	device, err := c.blockOf(t)
	if err != nil {
		return err
	}
	unit, host := c.size(t.Type), int64(t.Type.HostSize())
	return c.chunks(t, func(first, count int64) error {
		at, end, err := c.take(count * unit)
		if err != nil {
			return err
		}
		from, to := src[first*host:(first+count)*host], c.staging.block.Host[at:at+count*unit]
		if unit == host {
			copy(to, from)
		} else {
			narrow(to, from)
		}
		k, err := c.begin()
		if err != nil {
			return err
		}
		c.copier.Copy(c.device.Device, k, device.Buffer, t.Offset+first*unit, c.staging.block.Buffer, at, count*unit)
		return c.fly(flight{commands: k, end: end})
	})
}

// download copies a tensor, which may be a peer's, to host memory.
func (c *Context) download(dst []byte, t *engine.Tensor) error {
	device, err := c.blockOf(t)
	if err != nil {
		return err
	}
	unit, host := c.size(t.Type), int64(t.Type.HostSize())
	return c.chunks(t, func(first, count int64) error {
		at, end, err := c.take(count * unit)
		if err != nil {
			return err
		}
		k, err := c.begin()
		if err != nil {
			return err
		}
		c.copier.Copy(c.device.Device, k, c.staging.block.Buffer, at, device.Buffer, t.Offset+first*unit, count*unit)
		c.device.BarrierToHost(k)
		return c.fly(flight{commands: k, end: end, widen: unit != host,
			dst: dst[first*host : (first+count)*host], src: c.staging.block.Host[at : at+count*unit]})
	})
}

// hostBytes returns the memory of a host slice that fits t.
func hostBytes(t *engine.Tensor, host any) ([]byte, error) {
	var bytes []byte
	var want string
	ok := false
	switch t.Type {
	case engine.Int32:
		want = "[]int32"
		if s, is := host.([]int32); is {
			bytes, ok = raw(s), true
		}
	case engine.Byte, engine.Argmax:
		want = "[]byte"
		bytes, ok = host.([]byte)
	default:
		want = "[]float32"
		if s, is := host.([]float32); is {
			bytes, ok = raw(s), true
		}
	}
	switch n := t.Shape.Len() * t.Type.HostSize(); {
	case !ok:
		return nil, fmt.Errorf("%v: a %T does not hold its elements, want %s", t, host, want)
	case len(bytes) != n:
		return nil, fmt.Errorf("%v: the slice has %d bytes, the tensor %d", t, len(bytes), n)
	}
	return bytes, nil
}

func raw[T float32 | int32](s []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
}

// narrow rounds float32 to bfloat16, to nearest, ties to even; widen is its reverse.
func narrow(dst, src []byte) {
	to := unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst)/2)
	from := unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(src))), len(to))
	for i, f := range from {
		bits := math.Float32bits(f)
		if f != f {
			bits |= 1 << 22
		} else {
			bits += 0x7fff + bits>>16&1
		}
		to[i] = uint16(bits >> 16)
	}
}

func widen(dst, src []byte) {
	from := unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(src))), len(src)/2)
	to := unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(dst))), len(from))
	for i, b := range from {
		to[i] = math.Float32frombits(uint32(b) << 16)
	}
}
