package cuda

import (
	"errors"
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// ranks is what a context has for meeting the same context of other ranks. Sums
// of gradients run on a stream of their own beside the computation; exchanges of
// activations are in order with it.
type ranks struct {
	by     gpu.Communicator // nil before Join
	stream gpu.Stream
	ready  gpu.Event // on compute, then on stream
	summed gpu.Event // on stream, then on compute
	open   bool      // whether sums have begun that compute doesn't wait for yet
	watch  watch
}

// errUnjoined is what a program fails with that runs too early.
var errUnjoined = errors.New("the other ranks haven't been joined: Join comes before Run")

// identityBytes is the room for what ranks find each other by, behind a byte
// that says how long it is.
const identityBytes = 128

// Join meets the same context of every other rank. by tells them all what rank 0
// has made for it.
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

// identity is what the ranks find each other by. When rank 0 has none, it says so
// to the others, lest they wait.
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

// join waits for the other ranks, on the context's thread. Of the contexts on one
// GPU only one may join: two communicators could hold it up for each other, in
// one order here and in another elsewhere.
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

// rank reports whether a context on the card may join ranks: the first one.
func (c *card) rank() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.ranked
	c.ranked = true
	return first
}

// abort ends what is enqueued.
func (r *ranks) abort() error {
	if r.by == nil {
		return nil
	}
	return r.by.Abort()
}

// close leaves the other ranks. Everything has run. It returns what the watch has
// found meanwhile, too.
func (r *ranks) close() error {
	if r.by == nil {
		return nil
	}
	return errors.Join(r.watch.end(), r.by.Close())
}

// overtaken is a failure that came while work ran on: what has ended because a
// communicator was aborted has no result.
func (c *Context) overtaken() error {
	if err := c.err(); !errors.Is(err, errClosed) {
		return err
	}
	return nil
}

// stalled makes the device's word for stalled ranks the engine's.
func stalled(err error) error {
	if errors.Is(err, gpu.ErrStalled) && !errors.Is(err, engine.ErrStalled) {
		return fmt.Errorf("%w: %w", engine.ErrStalled, err)
	}
	return err
}

// exchange enqueues something that ends when the other ranks have come to it.
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

// sum is an exchange beside the computation, of what compute has made so far.
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

// awaitSums holds compute until the sums that have begun are there.
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
