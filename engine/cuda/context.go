package cuda

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

// Context is an engine.Context on a GPU. One goroutine serves its queue. It owns an
// OS thread that is bound to the device, and only it enqueues work there. A second
// goroutine (retire.go) waits for enqueued work.
type Context struct {
	name    string
	card    *card
	family  *family
	options Options
	working gpu.Type

	// Used by the goroutine that serves the queue. Kernels, streams and plans don't change
	// after the first Compile.
	kernels      *kernels.Set
	compute      gpu.Stream
	in, out      gpu.Stream // copies from and to the host
	copied       gpu.Event  // on in, then on compute
	staged       gpu.Event  // on compute, then on out
	memory       memory
	ring         ring
	params       gpu.Pointer // StepParams in device memory
	convolutions map[gpu.Convolution]gpu.ConvolutionPlan
	products     map[gpu.Product]gpu.ProductPlan
	closers      []io.Closer // streams, events, graphs

	queue   chan command
	answer  chan error // of command.call
	stopped chan struct{}
	closed  bool   // used by the caller's goroutine
	marked  uint64 // number of marks made, also by the caller's goroutine

	estimating bool // see Estimate; set between calls
	capturing  bool // a graph is being captured

	retired retirements
	events  events
	ranks   ranks

	mu      sync.Mutex
	failure error // the first one; later results are undefined
	plans   []string
}

// command is one entry of the queue: a call to make, a program to run, a copy,
// or a mark to reach.
type command struct {
	call     func() error
	program  *program
	step     engine.Step
	tensor   *engine.Tensor
	host     []byte
	download bool
	mark     uint64
}

// queueLength is the number of commands that can wait before Run and Upload block.
const queueLength = 1024

// errClosed is returned by a context that has been closed.
var errClosed = errors.New("the context is closed")

// newContext starts a context on a card, and releases the card if it fails.
func newContext(name string, k *card, f *family, o Options) (*Context, error) {
	c := &Context{
		name: name, card: k, family: f, options: o, working: o.Precision.working(),
		convolutions: map[gpu.Convolution]gpu.ConvolutionPlan{},
		products:     map[gpu.Product]gpu.ProductPlan{},
		queue:        make(chan command, queueLength),
		answer:       make(chan error),
		stopped:      make(chan struct{}),
	}
	c.retired.start()
	c.events.start()
	go c.serve()
	if err := c.call(c.begin); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Name returns the name that the context was opened by.
func (c *Context) Name() string { return c.name }

// begin makes the objects that last as long as the context.
func (c *Context) begin() (err error) {
	d := c.card.device
	if err := d.Bind(); err != nil {
		return err
	}
	for _, s := range []*gpu.Stream{&c.compute, &c.in, &c.out} {
		if *s, err = d.NewStream(); err != nil {
			return err
		}
		c.closers = append(c.closers, *s)
	}
	if err := c.retired.make(c); err != nil {
		return err
	}
	for _, e := range []*gpu.Event{&c.copied, &c.staged} {
		if *e, err = c.newEvent(); err != nil {
			return err
		}
	}
	if c.kernels, err = kernels.Load(d, c.working); err != nil {
		return err
	}
	c.params, err = c.family.allocate(c, engine.ArenaAlign)
	return err
}

// newEvent makes an event that Close closes.
func (c *Context) newEvent() (gpu.Event, error) {
	e, err := c.card.device.NewEvent(false)
	if err == nil {
		c.closers = append(c.closers, e)
	}
	return e, err
}

// call runs f on the context's thread and returns its error.
func (c *Context) call(f func() error) error {
	c.queue <- command{call: f}
	return <-c.answer
}

// serve executes the queue in order until Close.
func (c *Context) serve() {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	defer close(c.stopped)
	for cmd := range c.queue {
		if cmd.call != nil {
			c.answer <- cmd.call()
			continue
		}
		if err := c.err(); err == nil {
			c.fail(c.execute(cmd))
		}
		if cmd.mark != 0 { // also after a failure, so that no caller waits for ever
			c.reach(cmd.mark)
		}
	}
	c.fail(errClosed) // wakes contexts that await this context's events
	c.answer <- c.end()
}

func (c *Context) execute(cmd command) error {
	switch {
	case cmd.program != nil:
		return cmd.program.execute(cmd.step)
	case cmd.tensor != nil && cmd.download:
		if err := c.download(cmd.host, cmd.tensor); err != nil {
			return fmt.Errorf("download of %v: %w", cmd.tensor, err)
		}
	case cmd.tensor != nil:
		if err := c.upload(cmd.tensor, cmd.host); err != nil {
			return fmt.Errorf("upload of %v: %w", cmd.tensor, err)
		}
	}
	return nil
}

// fail keeps the first failure, and wakes the contexts that wait for this one. Nothing
// more is enqueued after it.
func (c *Context) fail(err error) {
	if err == nil {
		return
	}
	var peer *peerError
	if errors.Is(err, gpu.ErrLost) && !errors.As(err, &peer) {
		err = fmt.Errorf("the GPU is lost; what was in its memory is gone: %w", err)
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
	if c.closed {
		return fmt.Errorf("%s: %s: %w", c.name, verb, errClosed)
	}
	if err := c.err(); err != nil {
		return fmt.Errorf("%s: %s: %w", c.name, verb, err)
	}
	return nil
}

// Sync waits until everything enqueued has run. A failure stays, since the contents
// of the device's memory are unknown after it.
func (c *Context) Sync() error {
	if c.closed {
		return c.ready("sync")
	}
	return c.Mark().Wait()
}

// Mark marks the end of the queue.
func (c *Context) Mark() engine.Mark {
	if c.closed {
		return mark{c, 0}
	}
	c.marked++
	c.queue <- command{mark: c.marked}
	return mark{c, c.marked}
}

// Close waits for the queue and frees everything.
func (c *Context) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	close(c.queue)
	err := <-c.answer
	<-c.stopped
	return err
}

// end waits for the device and frees everything, on the context's thread. It continues
// after errors: memory of a lost device is freed with the device.
func (c *Context) end() error {
	var errs []error
	if !errors.Is(c.err(), errClosed) { // enqueued work may wait for ranks that never come
		errs = append(errs, c.ranks.abort())
	}
	for _, s := range []gpu.Stream{c.compute, c.in, c.out, c.ranks.stream} {
		if s != nil {
			errs = append(errs, s.Synchronize())
		}
	}
	errs = append(errs, c.ranks.close())
	c.retired.stop()
	for _, p := range c.convolutions {
		errs = append(errs, p.Close())
	}
	for _, p := range c.products {
		errs = append(errs, p.Close())
	}
	for i := len(c.closers) - 1; i >= 0; i-- {
		errs = append(errs, c.closers[i].Close())
	}
	if c.kernels != nil {
		errs = append(errs, c.kernels.Close())
	}
	errs = append(errs, c.family.leave(c))
	if err := errors.Join(errs...); err != nil && errors.Is(c.err(), errClosed) {
		return fmt.Errorf("%s: close: %w", c.name, err)
	}
	return nil // the failure has been returned before
}
