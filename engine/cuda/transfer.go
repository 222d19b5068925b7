package cuda

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

// ring is staging memory for all copies between host and device: a piece of pinned host
// memory and one of device memory at the same position. Pieces are taken and returned in
// order, through retirements. So the host fills one batch's piece and copies it while the
// device still computes on the previous batch. Positions count bytes since the beginning.
type ring struct {
	host []byte
	base gpu.Pointer
	size int64
	head int64 // position of the next piece
}

// minStaging is the smallest staging memory in bytes.
const minStaging = 4 << 20

// staging returns twice the memory for the host's data of one run of ops: one batch is
// copied while another is in use.
func (c *Context) staging(ops []engine.Op) int64 {
	var batch, row int64
	for _, op := range ops {
		switch op := op.(type) {
		case engine.Input:
			batch += hostRoom(op.Pixels) + hostRoom(op.Colour)
		case engine.SoftmaxLoss:
			batch += hostRoom(op.Labels) + hostRoom(op.Probs) + hostRoom(op.Loss) + hostRoom(op.LabelRank)
		case nil:
			continue
		}
		for _, t := range append(op.Reads(), op.Writes()...) {
			if permuted(t) {
				row = max(row, 4*int64(t.Shape.Row()))
			}
		}
	}
	return align(max(minStaging, 2*batch, 2*row))
}

// hostRoom returns the size of a tensor in the ring.
func hostRoom(t *engine.Tensor) int64 {
	if t == nil {
		return 0
	}
	return align(int64(t.Shape.Len() * t.Type.HostSize()))
}

// layRing puts the empty ring after the programs' memory.
func (c *Context) layRing() {
	m := &c.memory
	c.ring.base = c.work().Add(m.program)
	c.ring.size = min(m.workspace-m.program, int64(len(c.ring.host))) &^ (engine.ArenaAlign - 1)
}

// drainRing waits until the ring is free.
func (c *Context) drainRing() error {
	c.retired.waitFreed(c.ring.head)
	return c.err()
}

// piece is a part of the ring.
type piece struct {
	host   []byte
	device gpu.Pointer
	end    int64 // in the ring; see retirement.upTo
}

// take waits for a piece of n bytes.
func (c *Context) take(n int) (piece, error) {
	r := &c.ring
	length := align(int64(n))
	if length > r.size {
		return piece{}, fmt.Errorf("%d bytes don't fit the %d bytes reserved for copies: reserve what Workspace says", n, r.size)
	}
	if at := r.head % r.size; at+length > r.size {
		r.head += r.size - at
	}
	at := r.head % r.size
	r.head += length
	c.retired.waitFreed(r.head - r.size)
	return piece{r.host[at : at+int64(n)], r.base.Add(at), r.head}, c.err()
}

// giveBack frees a piece after the work of s so far. If dst is not nil, a download's
// bytes are then copied to dst.
func (c *Context) giveBack(p piece, s gpu.Stream, dst []byte) error {
	e, err := c.retired.after(s)
	if err != nil {
		return err
	}
	t := retirement{event: e, upTo: p.end}
	if dst != nil {
		t.dst, t.src = dst, p.host
	}
	c.retired.queue <- t
	return nil
}

// send copies bytes to a piece of the ring's device memory. Work that is enqueued on
// the compute stream from now on can read it. The caller calls giveBack afterwards.
func (c *Context) send(bytes []byte) (piece, error) {
	p, err := c.take(len(bytes))
	if err != nil {
		return p, err
	}
	if !c.family.locked(bytes) {
		copy(p.host, bytes)
		bytes = p.host
	}
	if err := c.in.CopyIn(p.device, bytes); err != nil {
		return p, err
	}
	if err := c.in.Record(c.copied); err != nil {
		return p, err
	}
	return p, c.compute.Wait(c.copied)
}

// sendTo copies bytes to device memory, in order with the compute stream.
func (c *Context) sendTo(dst gpu.Pointer, bytes []byte) (err error) {
	defer func() { c.fail(err) }()
	for len(bytes) > 0 {
		n := min(len(bytes), int(c.ring.size/2&^(engine.ArenaAlign-1)))
		p, err := c.send(bytes[:n])
		if err != nil {
			return err
		}
		if err := c.compute.Copy(dst, p.device, int64(n)); err != nil {
			return err
		}
		if err := c.giveBack(p, c.compute, nil); err != nil {
			return err
		}
		dst, bytes = dst.Add(int64(n)), bytes[n:]
	}
	return nil
}

// Upload enqueues a copy of src into t. The device copies memory from AllocateHost
// directly; other memory goes through the ring.
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
	c.queue <- command{tensor: t, host: bytes, download: download}
	return nil
}

// chunks cuts t into ranges of elements that fit half the ring: whole images if the
// device stores the elements in another order.
func (c *Context) chunks(t *engine.Tensor, do func(first, count int) error) error {
	unit, grain := 1, 256
	if permuted(t) {
		unit, grain = t.Shape.Row(), 16 // so that every range begins at a multiple of 16 bytes
	}
	most := int(c.ring.size/2) / (unit * t.Type.HostSize())
	if most > grain {
		most -= most % grain
	}
	if most < 1 {
		return fmt.Errorf("an image of it takes %d bytes, %d are reserved for copies: reserve what Workspace says",
			unit*t.Type.HostSize(), c.ring.size/2)
	}
	for first := 0; first < t.Shape.Len(); first += most * unit {
		if err := do(first, min(most*unit, t.Shape.Len()-first)); err != nil {
			return err
		}
	}
	return nil
}

func (c *Context) upload(t *engine.Tensor, src []byte) error {
	size := t.Type.HostSize()
	return c.chunks(t, func(first, count int) error {
		p, err := c.send(src[first*size : (first+count)*size])
		if err != nil {
			return err
		}
		if err := c.toDevice(t, first, count, p.device); err != nil {
			return err
		}
		return c.giveBack(p, c.compute, nil)
	})
}

func (c *Context) download(dst []byte, t *engine.Tensor) error {
	size := t.Type.HostSize()
	return c.chunks(t, func(first, count int) error {
		p, err := c.take(count * size)
		if err != nil {
			return err
		}
		if err := c.toHost(p.device, t, first, count); err != nil {
			return err
		}
		if err := c.compute.Record(c.staged); err != nil {
			return err
		}
		if err := c.out.Wait(c.staged); err != nil {
			return err
		}
		to := dst[first*size : (first+count)*size]
		if c.family.locked(to) {
			p.host, to = to, nil
		}
		if err := c.out.CopyOut(p.host, p.device); err != nil {
			return err
		}
		return c.giveBack(p, c.out, to)
	})
}

// toDevice enqueues count elements of t, from the first, from the host's order
// at src.
func (c *Context) toDevice(t *engine.Tensor, first, count int, src gpu.Pointer) error {
	dst := c.address(t).Add(int64(first) * c.elemSize(t.Type))
	l := layout(t, count, src, dst)
	var err error
	switch {
	case c.plain(t):
		err = c.compute.Copy(dst, src, int64(count)*c.elemSize(t.Type))
	case t.Type == engine.Argmax:
		err = c.kernels.BytesToDevice(c.compute, l)
	default:
		err = c.kernels.ToDevice(c.compute, l, c.stored(t))
	}
	if err != nil || t.Type != engine.Master || c.working == gpu.Float32 {
		return err
	}
	narrow := c.operand(t).Add(int64(first) * c.working.Size())
	return c.kernels.Copy32ToT(c.compute, kernels.Cast{X: dst, Y: narrow, Count: int64(count)})
}

// toHost enqueues count elements of t, from the first, to the host's order at
// dst.
func (c *Context) toHost(dst gpu.Pointer, t *engine.Tensor, first, count int) error {
	src := c.address(t).Add(int64(first) * c.elemSize(t.Type))
	l := layout(t, count, dst, src)
	switch {
	case c.plain(t):
		return c.compute.Copy(dst, src, int64(count)*c.elemSize(t.Type))
	case t.Type == engine.Argmax:
		return c.kernels.BytesToHost(c.compute, l)
	}
	return c.kernels.ToHost(c.compute, l, c.stored(t))
}

// layout describes count elements of t: whole images, or any number of elements if
// only their type differs.
func layout(t *engine.Tensor, count int, host, device gpu.Pointer) kernels.Layout {
	if !permuted(t) {
		return kernels.Layout{Host: host, Device: device, N: int32(count), C: 1, HW: 1}
	}
	s := t.Shape
	return kernels.Layout{Host: host, Device: device, N: int32(count / s.Row()), C: int32(s[1]), HW: int32(s[2] * s[3])}
}
