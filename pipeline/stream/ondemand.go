package stream

import (
	"alexnet/pipeline"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"alexnet/augment"
	"alexnet/pipeline/codec"
)

// picker decodes the samples of requests, as many at a time as there are decoders.
type picker struct {
	*Server
	decoders []codec.Decoder
	scratch  [][]byte // of each decoder, if channels come first
}

// onDemand sends the greeting and answers requests for samples.
func (s *Server) onDemand(ctx context.Context, in io.Reader) (err error) {
	c := s.config.Loader
	size := s.dataset.Meta().Size
	if s.ring, err = newRing(s.config.Hold, c.Batch, size, s.config.Memory); err != nil {
		return err
	}
	p := &picker{Server: s}
	for range min(c.Workers, pipeline.MostWorkers) {
		p.decoders = append(p.decoders, s.dataset.Codec().NewDecoder(size))
		p.scratch = append(p.scratch, make([]byte, 3*size*size))
	}
	if err := s.greet(0); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		done <- requests(ctx, in, func(r request) error {
			if r.Pick == nil {
				return s.answer(r)
			}
			return p.pick(r)
		})
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pick fills the slot of a request with its samples.
func (p *picker) pick(r request) error {
	if r.Slot < 0 || r.Slot >= p.ring.slots || len(r.Pick) > p.ring.rows {
		return p.refuse(r, fmt.Errorf("%d samples in slot %d, want at most %d in slots 0 to %d", len(r.Pick), r.Slot, p.ring.rows, p.ring.slots-1))
	}
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, len(r.Pick))
	for w := range min(len(p.decoders), len(r.Pick)) {
		group.Go(func() {
			for i := int(next.Add(1) - 1); i < len(r.Pick); i = int(next.Add(1) - 1) {
				errs[i] = p.decode(w, r.Slot, i, r.Pick[i])
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return p.refuse(r, err)
		}
	}
	return p.out.write(reply{ID: r.ID, Batch: &filled{Slot: r.Slot, Rows: len(r.Pick), Images: len(r.Pick)}})
}

// decode writes a sample to a row of a slot.
func (p *picker) decode(worker, slot, row, sample int) error {
	if err := p.within(sample); err != nil {
		return err
	}
	bytes := 3 * p.ring.side * p.ring.side
	dst := p.ring.pixels(slot)[row*bytes:][:bytes]
	to := dst
	if p.config.Loader.ChannelsFirst {
		to = p.scratch[worker]
	}
	label, err := p.dataset.Pixels(p.decoders[worker], sample, to)
	if err != nil {
		return fmt.Errorf("load %s: %w", p.dataset.Dir(), err)
	}
	if p.config.Loader.ChannelsFirst {
		augment.Planes(dst, to)
	}
	p.ring.set(slot, row, make([]float32, 3), label, sample)
	return nil
}
