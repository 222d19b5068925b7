package vulkan

import (
	"errors"
	"fmt"
	"math"
	"time"

	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// worthTiming is the number of multiplications from which a product is timed. Smaller
// products get a tile by their shape.
const worthTiming = 1 << 22

// productKey names a product on a device, with everything that its speed depends on.
func (c *Context) productKey(shader string, p *product) string {
	kind := shader
	if c.tiles[0].isMatrices() {
		kind += " by matrices"
	}
	return fmt.Sprintf("%s %t %d×%d×%d of %d %v", kind, c.narrow, p.z, p.m, p.n, p.terms, p.special)
}

// timeTiles finds the fastest tile for the products of an op that the device has not
// timed yet, in memory of its own. If there is too little memory, the shape decides.
func (c *Context) timeTiles(op engine.Op, s *step) error {
	var untimed []*dispatch
	for i := range s.dispatches {
		d := &s.dispatches[i]
		if p := d.product; c.timed && p != nil && p.m*p.n*p.z*p.terms >= worthTiming {
			if _, known := c.device.choices.of(c.productKey(d.shader, p)); !known {
				untimed = append(untimed, d)
			}
		}
	}
	if untimed == nil {
		return nil
	}
	b := &binder{c: c, trial: map[*engine.Tensor]vk.Address{}}
	var size int64
	for _, t := range append(op.Reads(), op.Writes()...) {
		if _, there := b.trial[t]; !there {
			b.trial[t] = vk.Address(size)
			size += align(c.Bytes(t))
		}
	}
	block, err := c.device.Allocate(size+s.work, false)
	if errors.Is(err, vk.ErrOutOfMemory) {
		return nil
	}
	if err != nil {
		return err
	}
	defer c.device.Free(block)
	for t, at := range b.trial {
		b.trial[t] = block.Address + at
	}
	b.none, b.after = block.Address, block.Address.Add(size)
	return c.call(func() error {
		if err := c.run(func(k vk.Commands) { c.device.Fill(k, block, small) }); err != nil {
			return err
		}
		for _, d := range untimed {
			t, err := c.fastest(*d, b)
			if err != nil {
				return err
			}
			c.device.choices.add(c.productKey(d.shader, d.product), t)
			d.cut(t)
		}
		return nil
	})
}

// small is a number near 1/64, or two of them in bfloat16: products of it stay normal
// numbers, which processors multiply at full speed.
const small = 0x3c803c80

// fastest returns the tile with the most sums a second of a dispatch.
func (c *Context) fastest(d dispatch, b *binder) (best tile, err error) {
	most := 0.0
	for _, t := range c.tiles {
		if !t.fits(&c.device.GPU.Limits) {
			continue
		}
		d.cut(t)
		rate, err := c.rate(d, b)
		if errors.Is(err, vk.ErrLost) {
			return tile{}, err
		}
		if err == nil && rate > most { // tiles that the driver can't compile are ignored
			most, best = rate, t
		}
	}
	if most == 0 {
		return tile{}, fmt.Errorf("%s runs in no tile", d.shader)
	}
	return best, nil
}

// A trial repeats a run, at most mostRuns times, until it takes longEnough. The best of
// trials counts.
const (
	longEnough = 2 * time.Millisecond
	mostRuns   = 64
	trials     = 3
)

// rate returns the sums a second of a dispatch. It runs only as many workgroups as take
// long enough.
func (c *Context) rate(d dispatch, b *binder) (float64, error) {
	pipeline, err := c.device.pipeline(d.shader, c.variantOf(&d), d.constants)
	if err != nil {
		return 0, err
	}
	arguments := d.push(b)
	least := func(groups [3]uint32, runs, times int) (time.Duration, error) {
		best := time.Duration(math.MaxInt64)
		for range times {
			began := time.Now()
			err := c.run(func(k vk.Commands) {
				for range runs {
					c.device.Dispatch(k, pipeline, c.device.layout, arguments, groups)
					c.device.Barrier(k)
				}
			})
			if err != nil {
				return 0, err
			}
			best = min(best, time.Since(began))
		}
		return best, nil
	}
	groups, runs := [3]uint32{}, 1
	for n := uint32(16); ; n *= 4 {
		groups = some(d.groups, n)
		took, err := least(groups, runs, 1)
		if err != nil {
			return 0, err
		}
		if took >= longEnough || groups == d.groups && runs >= mostRuns {
			break
		}
		if groups == d.groups {
			runs *= 4
		}
	}
	took, err := least(groups, runs, trials)
	if err != nil {
		return 0, err
	}
	p := d.product
	part := float64(count(groups)) / float64(count(d.groups))
	return part * float64(p.m*p.n*p.z) * float64(runs) / took.Seconds(), nil
}

// some returns the first workgroups of a dispatch, about n.
func some(groups [3]uint32, n uint32) (part [3]uint32) {
	for i, g := range groups {
		part[i] = min(g, max(1, n))
		n /= part[i]
	}
	return part
}

func count(groups [3]uint32) int { return int(groups[0]) * int(groups[1]) * int(groups[2]) }

// run records commands, submits them, and waits.
func (c *Context) run(record func(k vk.Commands)) error {
	k, err := c.begin()
	if err != nil {
		return err
	}
	record(k)
	if err := c.fly(flight{commands: k}); err != nil {
		return err
	}
	if err := c.waiter.Wait(c.device.Device, c.own.timeline, c.submitted); err != nil {
		return err
	}
	c.land(c.submitted)
	return nil
}
