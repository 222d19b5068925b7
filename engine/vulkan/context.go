package vulkan

import (
	"errors"
	"fmt"
	"sync"

	"alexnet/engine"
	"alexnet/engine/vulkan/internal/shaders"
	"alexnet/engine/vulkan/internal/vk"
)

// Context is an engine.Context on a Vulkan device. One goroutine serves its queue,
// and only it submits work. Each submission advances the context's timeline by one.
// Waiting for a mark means waiting for the timeline.
type Context struct {
	name   string
	device *device
	queue  *queue // of the device
	narrow bool   // activations are bfloat16

	variant shaders.Variant // of its shaders
	tiles   []tile          // of its products
	timed   bool            // tiles are chosen by time
	forced  *tile           // in tests: the one to take

	mostWork float64 // of a command buffer; less in tests
	note     func(line string)

	// Used by the goroutine that serves the queue.
	own        *own
	pool       vk.Pool
	submission vk.Submission
	copier     vk.Copier
	waiter     vk.Waiter
	submitted  uint64      // position of the timeline after the submitted work
	params     []byte      // of the step being enqueued
	sums       []reduction // sums over ranks in progress

	memory  memory
	staging staging

	commands chan command
	stopped  chan struct{}
	closed   bool // used by the caller's goroutine
	events   events

	mu      sync.Mutex
	changed sync.Cond // a mark has been reached
	failure error     // the first one; later results are undefined
	flights flights
	spare   []vk.Commands // for copies, not running
}

// own is the part of a context that other contexts may use. It lasts until all of
// them are closed.
type own struct {
	device   *device
	timeline vk.Semaphore
	block    vk.Block

	mu    sync.Mutex
	users int
}

// command is one entry of the queue: a call to make, a program to run, a copy, or a
// mark to reach.
type command struct {
	call     func() error
	answer   chan error
	program  *program
	step     engine.Step
	tensor   *engine.Tensor
	host     []byte
	download bool
	mark     *mark
}

// queueLength is the number of commands that can wait before the context's methods block.
const queueLength = 1024

// errClosed is returned by a context that has been closed.
var errClosed = errors.New("the context is closed")

func newContext(name string, d *device, o Options) (engine.Context, error) {
	c := &Context{
		name: name, device: d, queue: &d.queues[(d.opened-1)%len(d.queues)], narrow: o.Precision == "bf16",
		own:      &own{device: d, users: 1},
		commands: make(chan command, queueLength), stopped: make(chan struct{}),
	}
	c.variant = shaders.Variant{Narrow: c.narrow, Subgroups: d.GPU.SubgroupSums && !o.Plain}
	c.timed = o.Tiles == TilesTimed || o.Tiles == "" && d.GPU.Kind != vk.Software
	if c.note = o.Note; c.note == nil {
		c.note = func(string) {}
	}
	c.tiles, c.mostWork = numberTiles, mostWork
	if c.narrow && len(d.matrixTiles) > 0 && (o.Matrices == MatricesOn || o.Matrices == "" && d.GPU.Kind != vk.Software) {
		c.tiles = d.matrixTiles
	}
	if c.timed {
		d.choices.load(d, c.note)
	}
	c.changed.L = &c.mu
	c.events.start()
	var err error
	if c.own.timeline, err = d.NewTimeline(); err == nil {
		c.pool, err = d.NewPool()
	}
	if err != nil {
		if c.own.timeline != 0 {
			d.FreeTimeline(c.own.timeline)
		}
		return nil, errors.Join(err, d.release())
	}
	go c.serve()
	return c, nil
}

// variantOf returns the variant of a dispatch's shader.
func (c *Context) variantOf(d *dispatch) shaders.Variant {
	v := c.variant
	v.Matrices = d.matrices
	return v
}

// Name returns the name that the context was opened by.
func (c *Context) Name() string { return c.name }

// call runs f in the goroutine that serves the queue, after the enqueued work.
func (c *Context) call(f func() error) error {
	answer := make(chan error, 1)
	c.commands <- command{call: f, answer: answer}
	return <-answer
}

// serve executes the queue in order until Close.
func (c *Context) serve() {
	defer close(c.stopped)
	for cmd := range c.commands {
		switch {
		case cmd.call != nil:
			cmd.answer <- cmd.call()
		case cmd.mark != nil: // also after a failure, so that no caller waits for ever
			c.mu.Lock()
			cmd.mark.at, cmd.mark.passed = c.submitted, true
			c.changed.Broadcast()
			c.mu.Unlock()
		case c.err() == nil:
			c.fail(c.execute(cmd))
		}
	}
	c.fail(errClosed) // wakes contexts that await this context's events
}

func (c *Context) execute(cmd command) error {
	switch {
	case cmd.program != nil:
		return cmd.program.execute(cmd.step)
	case cmd.download:
		if err := c.download(cmd.host, cmd.tensor); err != nil {
			return fmt.Errorf("download of %v: %w", cmd.tensor, err)
		}
	default:
		if err := c.upload(cmd.tensor, cmd.host); err != nil {
			return fmt.Errorf("upload of %v: %w", cmd.tensor, err)
		}
	}
	return nil
}

// submit submits the recorded commands to the device, if there are any.
func (c *Context) submit() error {
	if c.submission.Empty() {
		return nil
	}
	c.queue.mu.Lock()
	err := c.submission.Submit(c.device.Device, c.queue.Queue, c.own.timeline, c.submitted+1)
	c.queue.mu.Unlock()
	if err == nil {
		c.submitted++
	}
	return err
}

// fail keeps the first failure, and wakes the contexts that wait for this one. Nothing
// more is enqueued after it.
func (c *Context) fail(err error) {
	if err == nil {
		return
	}
	var peer *peerError
	if errors.Is(err, vk.ErrLost) && !errors.As(err, &peer) {
		err = fmt.Errorf("the device is lost; what was in its memory is gone: %w", err)
	}
	c.mu.Lock()
	first := c.failure == nil
	if first {
		c.failure = err
	}
	c.mu.Unlock()
	if first {
		c.events.lose()
	}
}

func (c *Context) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

// ready checks the state of the context at the beginning of every call.
func (c *Context) ready(verb string) error {
	err := c.err()
	if c.closed {
		err = errClosed
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", c.name, verb, err)
	}
	return nil
}

// mark is a position in the queue.
type mark struct {
	c *Context

	// Guarded by c.mu.
	passed bool   // by the goroutine that serves the queue
	at     uint64 // of the timeline

	waiting sync.Mutex
	waiter  vk.Waiter
	done    bool
	err     error
}

// Mark marks the end of the queue.
func (c *Context) Mark() engine.Mark {
	m := &mark{c: c}
	if c.closed {
		m.done, m.err = true, c.ready("mark")
		return m
	}
	c.commands <- command{mark: m}
	return m
}

// Wait waits until the device has reached the mark.
func (m *mark) Wait() error {
	m.waiting.Lock()
	defer m.waiting.Unlock()
	if m.done {
		return m.err
	}
	c := m.c
	c.mu.Lock()
	for !m.passed {
		c.changed.Wait()
	}
	c.mu.Unlock()
	if err := m.waiter.Wait(c.device.Device, c.own.timeline, m.at); err != nil {
		c.fail(err)
	} else {
		c.land(m.at)
	}
	m.done = true
	if err := c.err(); err != nil && !errors.Is(err, errClosed) {
		m.err = fmt.Errorf("%s: %w", c.name, err)
	}
	return m.err
}

// Sync waits until everything enqueued has run. A failure stays, since the contents
// of the device's memory are unknown after it.
func (c *Context) Sync() error {
	if c.closed {
		return c.ready("sync")
	}
	return c.Mark().Wait()
}

// Close waits for the queue and frees everything.
func (c *Context) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	close(c.commands)
	<-c.stopped
	d := c.device
	var errs []error
	if err := c.waiter.Wait(d.Device, c.own.timeline, c.submitted); err != nil {
		if !errors.Is(err, vk.ErrLost) {
			errs = append(errs, err)
		}
	} else {
		c.land(c.submitted)
	}
	d.FreePool(c.pool)
	d.Free(c.staging.block)
	for peer := range c.memory.peers {
		peer.leave()
	}
	c.own.leave()
	if err := errors.Join(append(errs, d.release())...); err != nil {
		return fmt.Errorf("%s: close: %w", c.name, err)
	}
	return nil
}

// join counts another context that uses o. It returns false if o has been freed.
func (o *own) join() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.users == 0 {
		return false
	}
	o.users++
	return true
}

// leave frees o's memory after its last user.
func (o *own) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.users--
	if o.users == 0 {
		o.device.Free(o.block)
		o.device.FreeTimeline(o.timeline)
	}
}

// use keeps the memory of a peer, which c reads, until c is closed.
func (c *Context) use(peer *Context) error {
	if peer == c || c.memory.peers[peer.own] {
		return nil
	}
	if !peer.own.join() {
		return &peerError{peer.name, errClosed}
	}
	if c.memory.peers == nil {
		c.memory.peers = map[*own]bool{}
	}
	c.memory.peers[peer.own] = true
	return nil
}
