package remote

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// transfer reads one object from its beginning to its end with as many requests as
// needed: after a failure it continues at the same byte.
type transfer struct {
	ctx    context.Context
	config *Config
	store  store
	name   string
	want   int64 // size of the object; −1: unknown

	at       int64         // bytes read so far
	size     int64         // size of the object according to the server; −1: unknown
	body     io.ReadCloser // nil between requests
	cancel   context.CancelFunc
	stalled  atomic.Bool
	watch    *time.Timer   // cancels the request
	got      int64         // bytes of this request
	left     time.Duration // remaining wait until at least minProgress more bytes must come
	progress int           // bytes since left was set
	failures int           // since the last request that brought much data
	began    time.Time
}

func newTransfer(ctx context.Context, c *Config, s store, name string, want int64) *transfer {
	return &transfer{ctx: ctx, config: c, store: s, name: name, want: want, size: -1, began: time.Now()}
}

// much is the number of bytes after which a request's earlier failures are forgotten.
const much = 1 << 20

// minProgress is the number of bytes that must come within Config.Stall, or the rest of the
// object if that is less. So a server that sends single bytes counts as stalled.
const minProgress = 4 << 10

// Read gives the next bytes. Its errors are io.EOF, an *Error, or that of the
// context.
func (t *transfer) Read(p []byte) (int, error) {
	for {
		n, err := t.try(p)
		if n > 0 || err == nil {
			return n, nil // the error comes again at the next call
		}
		t.endRequest()
		if err == io.EOF {
			return 0, io.EOF
		}
		if err := t.pause(err); err != nil {
			return 0, err
		}
	}
}

// try reads once. It sends a request first if none is open.
func (t *transfer) try(p []byte) (int, error) {
	if t.body == nil {
		if err := t.ask(); err != nil {
			if err == io.EOF { // the connection was closed before a response, which isn't the object's end
				err = io.ErrUnexpectedEOF
			}
			return 0, t.why(err)
		}
	}
	began := time.Now()
	t.watch.Reset(max(t.left, 0))
	n, err := t.body.Read(p)
	t.watch.Stop()
	t.left -= time.Since(began)
	if t.progress += n; t.progress >= minProgress {
		t.left, t.progress = t.config.Stall, 0
	}
	t.at += int64(n)
	if t.got += int64(n); t.got >= much {
		t.failures = 0
	}
	if err == io.EOF && t.at < t.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		err = t.why(err)
	}
	return n, err
}

// ask requests the rest of the object.
func (t *transfer) ask() error {
	ctx, cancel := context.WithCancel(t.ctx)
	t.cancel, t.got = cancel, 0
	t.left, t.progress = t.config.Stall, 0
	t.stalled.Store(false)
	t.watch = time.AfterFunc(t.config.Stall, func() {
		t.stalled.Store(true)
		cancel()
	})
	body, from, size, err := t.store.get(ctx, t.name, t.at)
	if err != nil {
		return err
	}
	t.body, t.size = body, size
	if t.want >= 0 && size >= 0 && size != t.want {
		return &sizeError{size, t.want}
	}
	if from < t.at { // the server sends only whole objects
		t.watch.Reset(t.config.Stall + time.Duration(t.at/much)*time.Second)
		if _, err := io.CopyN(io.Discard, body, t.at-from); err != nil {
			return err
		}
	}
	return nil
}

// why returns the cause of an error: the context, a stall, or the error itself.
func (t *transfer) why(err error) error {
	switch {
	case t.ctx.Err() != nil:
		return context.Cause(t.ctx)
	case t.stalled.Load():
		return errStalled
	}
	return err
}

// endRequest ends the current request.
func (t *transfer) endRequest() {
	if t.watch != nil {
		t.watch.Stop()
	}
	if t.body != nil {
		t.body.Close()
		t.body = nil
	}
	if t.cancel != nil {
		t.cancel()
	}
}

// pause waits after a failure, or returns the error that ends the transfer.
func (t *transfer) pause(err error) error {
	if t.ctx.Err() != nil {
		return err
	}
	t.failures++
	var size *sizeError
	if errors.As(err, &size) {
		return err
	}
	if permanent(err) || t.failures >= t.config.Attempts {
		return &Error{URL: t.store.location(t.name), Attempts: t.failures, Took: time.Since(t.began), Err: err}
	}
	return sleep(t.ctx, backoff(t.config.Backoff, t.failures))
}

// backoff is the pause after a number of failures in a row.
func backoff(first time.Duration, failures int) time.Duration {
	d := min(first<<min(failures-1, 20), 30*time.Second)
	return d/2 + rand.N(d)
}

// sleep waits. If the context ends, it returns the reason.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
