package cuda

import (
	"errors"
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// ranks is the state of a context that exchanges tensors with the same context of
// other ranks. Sums of gradients run on their own stream beside the computation;
// exchanges of activations run in order with it.
type ranks struct {
	by     gpu.Communicator // nil before Join
	stream gpu.Stream
	ready  gpu.Event // on compute, then on stream
	summed gpu.Event // on stream, then on compute
	open   bool      // compute doesn't wait yet for sums that have begun
	watch  watch
}

// errUnjoined is the failure of a program that runs before Join.
var errUnjoined = errors.New("the other ranks haven't been joined: Join comes before Run")

// identityBytes is the space for the job's identifier, after a byte with its length.
const identityBytes = 128

// Join connects this context to the same context of every other rank. by broadcasts
// the identity that rank 0 has made.
func (c *Context) Join(by engine.Group) error {
	if err := c.ready("join the ranks"); err != nil {
		return err
	}
	id, err := c.identity(by)
	if err == nil {
		err = c.call(func() error { return c.join(id, by.Rank(), by.Size()) })
	}
	if err != nil {
		return fmt.Errorf("%s: joining %d ranks: %w", c.name, by.Size(), stalled(err))
	}
	return nil
}

// identity returns the identifier of the job, by which the ranks find each other. If rank
// 0 has none, it tells the others, so that they don't wait.
func (c *Context) identity(by engine.Group) ([]byte, error) {
	message := make([]byte, 1+identityBytes)
	var failure error
	if by.Rank() == 0 {
		failure = c.call(func() error {
			id, err := c.card.device.CommunicatorID()
			if err == nil {
				message[0] = byte(copy(message[1:], id))
			}
			return err
		})
	}
	err := by.Broadcast(message, 0)
	switch {
	case failure != nil || err != nil:
		return nil, errors.Join(failure, err)
	case message[0] == 0:
		return nil, errors.New("rank 0 couldn't begin: it says why")
	}
	return message[1 : 1+message[0]], nil
}

// join waits for the other ranks, on the context's thread. Only one of the contexts on
// one GPU may join: two communicators could block each other if they ran in different
// orders on different ranks.
func (c *Context) join(id []byte, rank, size int) (err error) {
	r, d := &c.ranks, c.card.device
	if r.by != nil {
		return errors.New("they have been joined before")
	}
	if !c.card.rank() {
		return fmt.Errorf("another context on this GPU has joined them: want one a GPU: %w", gpu.ErrUnsupported)
	}
	if r.stream, err = d.NewStream(); err != nil {
		return err
	}
	c.closers = append(c.closers, r.stream)
	for _, e := range []*gpu.Event{&r.ready, &r.summed} {
		if *e, err = c.newEvent(); err != nil {
			return err
		}
	}
	by, err := d.Join(id, rank, size, c.options.rankTimeout())
	if err != nil {
		return err
	}
	r.by = by
	r.watch.start(c)
	return nil
}

// rank reports whether a context on the card may join ranks: only the first one may.
func (c *card) rank() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.ranked
	c.ranked = true
	return first
}

// abort makes the enqueued work end.
func (r *ranks) abort() error {
	if r.by == nil {
		return nil
	}
	return r.by.Abort()
}

// close leaves the other ranks after all work has run. It also returns the failure that
// the watch has found.
func (r *ranks) close() error {
	if r.by == nil {
		return nil
	}
	return errors.Join(r.watch.end(), r.by.Close())
}

// overtaken returns a failure that came while work was running: results of an aborted
// communicator are undefined.
func (c *Context) overtaken() error {
	if err := c.err(); !errors.Is(err, errClosed) {
		return err
	}
	return nil
}

// stalled turns the device's error for stalled ranks into the engine's.
func stalled(err error) error {
	if errors.Is(err, gpu.ErrStalled) && !errors.Is(err, engine.ErrStalled) {
		return fmt.Errorf("%w: %w", engine.ErrStalled, err)
	}
	return err
}

// exchange enqueues work that ends when the other ranks have reached it.
func (c *Context) exchange(s gpu.Stream, what string, enqueue func() error) error {
	if c.ranks.by == nil {
		return errUnjoined
	}
	w := &c.ranks.watch
	e, err := w.begin(c, s, what)
	if err != nil {
		return err
	}
	if err := enqueue(); err != nil {
		return stalled(err)
	}
	return w.enqueued(e, s)
}

// sum is an exchange beside the computation, on the results of compute so far.
func (c *Context) sum(what string, enqueue func() error) error {
	r := &c.ranks
	if r.by == nil {
		return errUnjoined
	}
	if err := c.compute.Record(r.ready); err != nil {
		return err
	}
	if err := r.stream.Wait(r.ready); err != nil {
		return err
	}
	r.open = true
	return c.exchange(r.stream, what, enqueue)
}

// awaitSums makes compute wait for the sums that have begun.
func (c *Context) awaitSums(gpu.Pointer) error {
	r := &c.ranks
	if !r.open {
		return nil
	}
	r.open = false
	if err := r.stream.Record(r.summed); err != nil {
		return err
	}
	return c.compute.Wait(r.summed)
}
