package vulkan

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// dispatch is a run of a shader.
type dispatch struct {
	shader    string
	constants []uint32
	groups    [3]uint32
	shared    int64    // bytes of a workgroup's shared memory
	product   *product // what it computes in tiles; nil for none
	matrices  bool     // the tiles are of small matrices
	// push returns the arguments, after all memory has been reserved.
	push func(*binder) []byte
	// behind means that this dispatch needs the results of the previous one.
	behind bool

	pipeline vk.Pipeline
}

// name returns the name of the shader or the product.
func (d *dispatch) name() string {
	if d.matrices {
		return d.shader + " by matrices"
	}
	return d.shader
}

// step is one op on the device.
type step struct {
	name       string // for messages
	work       int64  // bytes of workspace
	dispatches []dispatch
	dropouts   []engine.Dropout // whose keys it reads
	stepped    bool             // it reads the step's numbers
	signal     *event
	await      *event
	apart      func() error // runs on the host, after the earlier work
}

// program is a list of segments in order.
type program struct {
	c        *Context
	segments []segment
	stepped  bool
	dropouts []engine.Dropout // whose keys the step's numbers hold
	keys     uint32           // of the steps so far, during Compile
	bytes    int              // of the step's numbers
}

// segment is a run of steps in one command buffer, recorded at its first run, or a step
// between such runs: a signal, an await, work of the host.
type segment struct {
	steps    []step
	work     float64 // multiplications of its products
	full     bool    // submitted by itself: another command buffer follows
	commands vk.Commands
	signal   *event
	await    *event
	apart    func() error
	name     string
}

// binder finds addresses for arguments, and keeps the first failure.
type binder struct {
	c    *Context
	none vk.Address // for missing tensors: compiled shaders may read it and ignore the value
	keys uint32     // position of the step's keys
	err  error

	// For a trial: the operands, and the memory after them as the workspace.
	trial map[*engine.Tensor]vk.Address
	after vk.Address
}

// binder returns a binder for a program with this position of keys.
func (c *Context) binder(keys uint32) *binder {
	return &binder{c: c, none: c.own.block.Address, keys: keys}
}

// of returns the address of a tensor; for nil, the address of other memory.
func (b *binder) of(t *engine.Tensor) vk.Address {
	if t == nil {
		return b.none
	}
	if b.trial != nil {
		return b.trial[t]
	}
	a, err := b.c.address(t)
	if b.err == nil {
		b.err = err
	}
	return a
}

// work returns the beginning of the workspace.
func (b *binder) work() vk.Address {
	if b.trial != nil {
		return b.after
	}
	return b.c.own.block.Address.Add(b.c.memory.arena)
}

// push returns the bytes of a structure of arguments.
func push[T any](arguments T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&arguments)), unsafe.Sizeof(arguments))
}

// Compile prepares ops for running.
func (c *Context) Compile(ops []engine.Op) (engine.Program, error) {
	if err := c.ready("compile"); err != nil {
		return nil, err
	}
	p := &program{c: c, bytes: 8}
	for i := 0; i < len(ops); i++ {
		err := engine.CheckOp(ops[i])
		if err == nil {
			err = c.checkPlaces(ops[i])
		}
		var s step
		if err == nil {
			s, err = c.lower(ops, i)
		}
		if err == nil && s.work > c.memory.workspace {
			err = fmt.Errorf("%s takes %d bytes of workspace, %d are reserved", ops[i].Kind(), s.work, c.memory.workspace)
		}
		if err == nil {
			err = c.timeTiles(ops[i], &s)
		}
		if err == nil {
			err = s.prepare(c)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: op %d: %w", c.name, i, err)
		}
		p.add(s)
	}
	c.device.choices.keep()
	if p.bytes > paramBytes {
		return nil, fmt.Errorf("%s: a program has %d ops of dropout, more than %d", c.name, len(p.dropouts), paramBytes/8-1)
	}
	return p, nil
}

// prepare makes the step's pipelines.
func (s *step) prepare(c *Context) (err error) {
	for i := range s.dispatches {
		d := &s.dispatches[i]
		if d.pipeline, err = c.device.pipeline(d.shader, c.variantOf(d), d.constants); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// add appends a step to the last segment, or begins another one.
func (p *program) add(s step) {
	p.stepped = p.stepped || s.stepped
	p.dropouts = append(p.dropouts, s.dropouts...)
	p.bytes += 8 * len(s.dropouts)
	if s.signal != nil || s.await != nil || s.apart != nil {
		p.segments = append(p.segments, segment{signal: s.signal, await: s.await, apart: s.apart, name: s.name})
		return
	}
	work := s.multiplications()
	last := len(p.segments) - 1
	if last >= 0 && p.segments[last].work+work > p.c.mostWork {
		p.segments[last].full = p.segments[last].steps != nil
	}
	if last < 0 || p.segments[last].steps == nil || p.segments[last].full {
		p.segments = append(p.segments, segment{})
		last++
	}
	seg := &p.segments[last]
	seg.steps, seg.work = append(seg.steps, s), seg.work+work
}

// mostWork is the most multiplications in a command buffer: some seconds of the slowest
// GPUs. Systems reset a device that doesn't end one in time, Windows after two seconds.
const mostWork = 1 << 35

// multiplications returns the number of a step's multiplications.
func (s *step) multiplications() (n float64) {
	for _, d := range s.dispatches {
		if p := d.product; p != nil {
			n += float64(p.m) * float64(p.n) * float64(p.z) * float64(p.terms)
		}
	}
	return n
}

// Run enqueues the program.
func (p *program) Run(s engine.Step) error {
	if err := p.c.ready("run"); err != nil {
		return err
	}
	p.c.commands <- command{program: p, step: s}
	return nil
}

// execute submits the segments.
func (p *program) execute(s engine.Step) error {
	c := p.c
	if p.stepped {
		if err := p.setStep(s); err != nil {
			return err
		}
	}
	for i := range p.segments {
		seg := &p.segments[i]
		var err error
		switch {
		case seg.await != nil:
			err = seg.await.await(c)
		case seg.signal != nil:
			if err = c.submit(); err == nil {
				seg.signal.signal()
			}
		case seg.apart != nil:
			if err = c.submit(); err == nil {
				err = seg.apart()
			}
			if err != nil {
				err = fmt.Errorf("%s: %w", seg.name, err)
			}
		default:
			if seg.commands == 0 {
				err = p.record(seg)
			}
			c.submission.Add(seg.commands)
			if err == nil && seg.full {
				err = c.submit()
			}
		}
		if err != nil {
			return err
		}
	}
	return c.submit()
}

// setStep writes the step's numbers to the device's memory, where shaders read them.
func (p *program) setStep(s engine.Step) error {
	c := p.c
	c.params = binary.LittleEndian.AppendUint32(c.params[:0], math.Float32bits(s.LearningRate))
	c.params = binary.LittleEndian.AppendUint32(c.params, math.Float32bits(s.Momentum))
	for _, op := range p.dropouts {
		c.params = binary.LittleEndian.AppendUint64(c.params, op.Key(s))
	}
	k, err := c.begin()
	if err != nil {
		return err
	}
	c.device.Update(k, c.own.block.Buffer, c.paramsAt(), c.params)
	return c.fly(flight{commands: k})
}

// record fills a segment's command buffer. An op waits for all ops before it.
func (p *program) record(seg *segment) error {
	c := p.c
	k, err := c.device.NewCommands(c.pool)
	if err != nil {
		return err
	}
	if err := c.device.Begin(k); err != nil {
		return err
	}
	b := c.binder(p.keys)
	for _, s := range seg.steps {
		for i, d := range s.dispatches {
			if i == 0 || d.behind {
				c.device.Barrier(k)
			}
			arguments := d.push(b)
			if b.err != nil {
				return fmt.Errorf("%s: %w", s.name, b.err)
			}
			c.device.Dispatch(k, d.pipeline, c.device.layout, arguments, d.groups)
		}
		b.keys += uint32(len(s.dropouts))
	}
	p.keys = b.keys
	seg.commands = k
	return c.device.End(k)
}
