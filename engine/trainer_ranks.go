package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// requests are the wishes of one rank, for all ranks to grant. Ranks exchange them at the
// end of every step, so that no rank decides by its own clock.
type requests byte

const (
	requestStop requests = 1 << iota // the rank's context is done
	requestTime                      // the rank's time is up
	requestSave                      // the last checkpoint is old; only rank 0's request counts
)

// alone reports whether there are no other ranks.
func (t *Trainer) alone() bool { return t.Model.Config.ranks() == 1 }

// writes reports whether this rank saves.
func (t *Trainer) writes() bool { return t.alone() || t.Model.Config.Group.Rank() == 0 }

// interrupted returns the context's error. With other ranks it returns what all ranks
// have agreed on, because a rank may not leave alone.
func (r *run) interrupted(ctx context.Context) error {
	switch {
	case r.alone():
		return ctx.Err()
	case r.agreed&requestStop != 0:
		return context.Canceled
	}
	return nil
}

// late reports whether the time is up, on any rank.
func (r *run) late() bool {
	if r.alone() {
		return r.timeUp()
	}
	return r.agreed&requestTime != 0
}

func (r *run) timeUp() bool { return r.MaxTime > 0 && time.Since(r.began) >= r.MaxTime }

// stale reports whether the last checkpoint is old.
func (r *run) stale() bool {
	if r.alone() {
		return r.old()
	}
	return r.agreed&requestSave != 0
}

func (r *run) old() bool { return r.SaveAfter > 0 && time.Since(r.saved) >= r.SaveAfter }

// uninterruptible returns the context for waits that a rank may not break off alone.
func (r *run) uninterruptible(ctx context.Context) context.Context {
	if r.alone() {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// wholeOutcome turns this rank's outcome into the outcome of the whole batch, and sends
// this rank's requests to the others.
func (r *run) wholeOutcome(ctx context.Context, o Outcome) (Outcome, error) {
	if r.alone() {
		return o, nil
	}
	var own requests
	if ctx.Err() != nil {
		own |= requestStop
	}
	if r.timeUp() {
		own |= requestTime
	}
	if r.writes() && r.old() {
		own |= requestSave
	}
	message := []byte{byte(own)}
	for i, loss := range o.Loss {
		message = binary.LittleEndian.AppendUint32(message, math.Float32bits(loss))
		message = binary.LittleEndian.AppendUint32(message, uint32(o.LabelRank[i]))
	}
	all, err := r.gather(message)
	if err != nil {
		return o, err
	}
	whole := Outcome{Halted: o.Halted}
	for rank, m := range all {
		if len(m)%8 != 1 {
			return o, fmt.Errorf("rank %d sent %d bytes about its step", rank, len(m))
		}
		r.agreed |= requests(m[0])
		for m = m[1:]; len(m) > 0; m = m[8:] {
			whole.Loss = append(whole.Loss, math.Float32frombits(binary.LittleEndian.Uint32(m)))
			whole.LabelRank = append(whole.LabelRank, int32(binary.LittleEndian.Uint32(m[4:])))
		}
	}
	return whole, nil
}

// gather exchanges messages of the same call, which are never empty.
func (r *run) gather(message []byte) ([][]byte, error) {
	all, err := r.Model.Config.Group.Gather(message)
	if err != nil {
		return nil, err
	}
	for rank, m := range all {
		if len(m) == 0 {
			return nil, fmt.Errorf("rank %d has failed and leaves the job", rank)
		}
	}
	return all, nil
}

// evaluate runs the validation set. With other ranks, each evaluates its own part,
// and the score is that of all.
func (r *run) evaluate(ctx context.Context, f Feeder) (Score, error) {
	if err := r.Model.Assemble(); err != nil {
		r.broken = true
		return Score{}, err
	}
	t, err := evaluate(ctx, r.Model, f, 1)
	if r.alone() || err != nil && ctx.Err() == nil {
		return t.score(), err
	}
	var own requests
	if err != nil {
		own = requestStop
	}
	message := []byte{byte(own)}
	for _, n := range []int{t.images, t.miss1, t.miss5} {
		message = binary.LittleEndian.AppendUint64(message, uint64(n))
	}
	message = binary.LittleEndian.AppendUint64(message, math.Float64bits(t.loss))
	all, lost := r.gather(message)
	if lost != nil {
		return Score{}, errors.Join(err, lost)
	}
	t = tally{}
	for rank, m := range all {
		if len(m) != 1+4*8 {
			return Score{}, fmt.Errorf("rank %d sent %d bytes about its validation", rank, len(m))
		}
		r.agreed |= requests(m[0])
		t.images += int(binary.LittleEndian.Uint64(m[1:]))
		t.miss1 += int(binary.LittleEndian.Uint64(m[9:]))
		t.miss5 += int(binary.LittleEndian.Uint64(m[17:]))
		t.loss += math.Float64frombits(binary.LittleEndian.Uint64(m[25:]))
	}
	return t.score(), r.interrupted(ctx)
}
