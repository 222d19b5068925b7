package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"alexnet/internal/printable"
	"alexnet/pipeline"
)

// Config is the configuration of a Server.
type Config struct {
	// Loader is the loader's configuration. Batch, Crop, Workers and Prefetch have to
	// be set; Allocate is the server's own.
	Loader pipeline.LoaderConfig
	// Hold is how many batches the client may have at a time, at least 1. There are
	// Prefetch + Hold slots.
	Hold int
	// OnDemand streams no epochs: the client asks for samples, and gets whole pictures
	// as they are stored.
	OnDemand bool
	// Memory makes the shared memory, all zeros: see the function Memory.
	Memory func(size int) ([]byte, error)
	// Program is the version that the greeting gives.
	Program string
}

// Server is one stream.
type Server struct {
	dataset *pipeline.Dataset
	config  Config
	ring    *ring
	out     *writer

	loader *pipeline.Loader // nil: on demand
	bad    int              // number of bad samples that the client knows

	free chan int // slots without a batch that the client doesn't hold
	mu   sync.Mutex
	held []bool // whether the client holds each slot
}

// Serve greets the client on out and streams batches of d until the client closes
// in, ctx ends, or there is an error, which the client is told too. A client that
// dies closes its pipes. The shared memory must not be used by another Serve.
func Serve(ctx context.Context, d *pipeline.Dataset, c Config, in io.Reader, out io.Writer) error {
	s := &Server{dataset: d, config: c, out: &writer{to: out}}
	err := s.serve(ctx, in)
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return errors.Join(err, WriteError(out, "", err))
}

func (s *Server) serve(ctx context.Context, in io.Reader) error {
	if s.config.OnDemand {
		return s.onDemand(ctx, in)
	}
	if err := s.load(); err != nil {
		if kind(err) == KindFailed {
			err = &usageError{err}
		}
		return err
	}
	defer s.loader.Close()
	if err := s.greet(s.loader.BatchesPerEpoch()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		err := requests(ctx, in, s.answer)
		if err == nil {
			err = errClosed
		}
		cancel(err)
	}()
	for {
		b, err := s.loader.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			if err := s.out.write(reply{End: true}); err != nil {
				return err
			}
			<-ctx.Done()
			return ended(ctx)
		case ctx.Err() != nil:
			return ended(ctx)
		case err != nil:
			return err
		}
		if err := s.hand(ctx, b); err != nil {
			return err
		}
	}
}

// errClosed means that the client ended the stream.
var errClosed = errors.New("the client has closed the stream")

// ended returns why ctx ended, or nil if the client closed the stream.
func ended(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, errClosed) {
		return err
	}
	return nil
}

// load starts the loader. Its batches use the first slots.
func (s *Server) load() (err error) {
	c := s.config.Loader
	next := 0
	c.Allocate = func(n int) ([]byte, error) {
		if s.ring == nil {
			slots := c.Prefetch + s.config.Hold
			if s.ring, err = newRing(slots, c.Batch, c.Crop, s.config.Memory); err != nil {
				return nil, err
			}
			s.held, s.free = make([]bool, slots), make(chan int, slots)
			for i := c.Prefetch; i < slots; i++ {
				s.free <- i
			}
		}
		next++
		return s.ring.pixels(next - 1), nil
	}
	s.loader, err = pipeline.NewLoader(s.dataset, c)
	return err
}

// greet writes the first line.
func (s *Server) greet(batches int) error {
	g := s.ring.greeting(s.config.Loader.ChannelsFirst)
	m := s.dataset.Meta()
	g.Program, g.Batches = s.config.Program, batches
	g.Images, g.Size, g.Codec, g.Split, g.Classes = s.dataset.Len(), m.Size, m.Codec, m.Split, m.Classes
	return s.out.write(g)
}

// hand passes a batch to the client when a free slot can take its place in the loader. So
// the client may keep any of its batches for any time.
func (s *Server) hand(ctx context.Context, b *pipeline.Batch) error {
	var spare int
	select {
	case spare = <-s.free:
	case <-ctx.Done():
		return ended(ctx)
	}
	slot := s.ring.slotOf(b.Pixels)
	for row, sample := range b.Samples {
		s.ring.set(slot, row, b.Colour[3*row:][:3], int(b.Labels[row]), sample)
	}
	s.mu.Lock()
	s.held[slot] = true
	s.mu.Unlock()
	r := reply{Batch: &filled{Slot: slot, Epoch: b.Epoch, Step: b.Step, Rows: len(b.Samples), Images: b.Images}}
	b.Pixels = s.ring.pixels(spare)
	b.Release()
	if err := s.sendBad(); err != nil {
		return err
	}
	return s.out.write(r)
}

// sendBad sends the samples that were left out since the last call.
func (s *Server) sendBad() error {
	if s.loader.Stats().Bad == 0 {
		return nil
	}
	var r reply
	for _, b := range s.loader.BadSince(s.bad) {
		r.Bad = append(r.Bad, badSample{b.Sample, printable.Error(b.Err)})
	}
	if len(r.Bad) == 0 {
		return nil
	}
	s.bad += len(r.Bad)
	return s.out.write(r)
}

// answer handles a line of the client.
func (s *Server) answer(r request) error {
	switch {
	case r.Release != nil:
		return s.release(*r.Release)
	case r.Stats && s.loader != nil:
		stats := s.loader.Stats()
		return s.out.write(reply{ID: r.ID, Stats: &stats})
	case r.Pick != nil && s.loader != nil:
		return errors.New("the client asks for samples, but this stream is one of epochs")
	}
	return s.names(r)
}

func (s *Server) release(slot int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slot < 0 || slot >= len(s.held) || !s.held[slot] {
		return fmt.Errorf("the client releases slot %d, which it doesn't have", slot)
	}
	s.held[slot] = false
	s.free <- slot
	return nil
}

// names sends the names of samples.
func (s *Server) names(r request) error {
	if len(r.Names) > mostNames {
		return s.refuse(r, fmt.Errorf("%d names, want at most %d at a time", len(r.Names), mostNames))
	}
	names := make([]string, len(r.Names))
	for i, sample := range r.Names {
		err := s.within(sample)
		if err == nil {
			var read pipeline.Sample
			read, err = s.dataset.Sample(sample)
			names[i] = read.Name
		}
		if err != nil {
			return s.refuse(r, err)
		}
	}
	return s.out.write(struct {
		ID    int      `json:"id"`
		Names []string `json:"names"`
	}{r.ID, names})
}

// refuse answers a request with an error. The stream continues.
func (s *Server) refuse(r request, err error) error {
	return s.out.write(reply{ID: r.ID, Error: printable.Error(err), Kind: kind(err)})
}

// within returns an error for a sample that isn't in the folder.
func (s *Server) within(sample int) error {
	if n := s.dataset.Len(); sample < 0 || sample >= n {
		return fmt.Errorf("sample %d, want 0 to %d", sample, n-1)
	}
	return nil
}
