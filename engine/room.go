package engine

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"alexnet/internal/setting"
)

// Room describes the memory that contexts reserve from.
type Room struct {
	Free      int64  // bytes
	Total     int64  // bytes, with what other contexts and processes hold
	Of        any    // contexts with the same Of share it
	Where     string // "NVIDIA H100"
	Precision string // an arithmetic that takes less memory; "" is none
}

// TooLargeError says that a net does not fit, and which sizes do.
type TooLargeError struct {
	Net      string
	Batch    int      // that was asked for, of all ranks
	Contexts []string // those that share the memory
	Need     int64    // bytes
	Room     Room

	Fits   int // the largest batch, of all ranks, that was found to fit; 0: none
	Pieces int // in how many pieces Batch fits (ModelConfig.Accumulate); 0: not known to
}

func (e *TooLargeError) Error() string { return e.text().String() }

// In returns the message with other words for the settings in it.
func (e *TooLargeError) In(w setting.Words) string { return e.text().In(w) }

func (e *TooLargeError) text() setting.Text {
	const mb = 1e6
	ways := "no batch fits"
	var values []any
	if e.Fits > 0 {
		ways, values = "%s fits", append(values, setting.Suggest("batch", e.Fits))
	}
	if e.Pieces > 0 {
		ways, values = ways+", %s fits", append(values, setting.Suggest("accumulate", e.Pieces))
	}
	if e.Room.Precision != "" {
		ways, values = ways+", %s takes less", append(values, setting.Suggest("precision", e.Room.Precision))
	}
	return setting.Textf("net %q at batch %d takes %.0f MB of memory on %s, of %.0f MB on %s %.0f are free: %s",
		e.Net, e.Batch, float64(e.Need)/mb, strings.Join(e.Contexts, " and "), float64(e.Room.Total)/mb, e.Room.Where, float64(e.Room.Free)/mb, setting.Textf(ways, values...))
}

// missing returns how many bytes are missing.
func (e *TooLargeError) missing() int64 { return e.Need - e.Room.Free }

// fits returns nil if the contexts have memory for their plans. Otherwise it searches for
// sizes that fit; the contexts can't be used afterwards.
func (l *layout) fits() error {
	e, err := shortage(l.net, l.contexts, l.cfg.Batch*l.cfg.ranks(), l.plans)
	if e == nil || err != nil {
		return err
	}
	for _, c := range l.contexts {
		c.Estimate()
	}
	// If a single image doesn't fit, smaller pieces don't help.
	if e.Fits, err = l.fittingBatch(e.missing()); err == nil && e.Fits > 0 {
		e.Fits *= l.cfg.ranks()
		e.Pieces, err = l.fittingPieces()
	}
	return errors.Join(e, err)
}

// shortage returns nil if the contexts have memory for their plans. Otherwise it returns
// the context that lacks the most.
func shortage(net *Net, contexts []Context, batch int, plans []*Plan) (*TooLargeError, error) {
	var all []*TooLargeError
	var of []any
	for p, c := range contexts {
		r, err := c.Room()
		if err != nil || r.Total == 0 {
			return nil, err
		}
		i := slices.Index(of, r.Of)
		if i < 0 {
			i = len(of)
			of = append(of, r.Of)
			all = append(all, &TooLargeError{Net: net.Name, Batch: batch, Room: r})
		}
		all[i].Contexts = append(all[i].Contexts, c.Name())
		all[i].Need += plans[p].Total()
	}
	worst := slices.MaxFunc(all, func(a, b *TooLargeError) int { return cmp.Compare(a.missing(), b.missing()) })
	if worst.missing() <= 0 {
		return nil, nil
	}
	return worst, nil
}

// missing returns the number of bytes that the contexts lack for another configuration; 0
// or less if it fits.
func (l *layout) missing(cfg ModelConfig) (int64, error) {
	other, err := layOut(l.net, l.contexts, cfg)
	if err != nil {
		return 0, err
	}
	most := int64(-1 << 62)
	used := map[any]int64{}
	for p, c := range l.contexts {
		r, err := c.Room()
		if err != nil {
			return 0, err
		}
		used[r.Of] += other.plans[p].Total()
		most = max(most, used[r.Of]-r.Free)
	}
	return most, nil
}

// mostPlans limits the number of sizes that are tried: planning on a GPU takes a second.
const mostPlans = 10

// fittingBatch returns the largest tried batch that fits, cut into as many pieces as the
// requested one, or 0 if none fits. missing is the number of bytes that the requested one
// lacks. Memory grows nearly linearly with the batch, so a few tries are enough.
func (l *layout) fittingBatch(missing int64) (int, error) {
	pieces := l.cfg.pieces()
	try := func(piece int) (int64, error) {
		cfg := l.cfg
		cfg.Batch = piece * pieces
		return l.missing(cfg)
	}
	low, high, over := 1, l.cfg.piece(), missing // images in a piece: low fits, high doesn't, by over bytes
	if high == 1 {
		return 0, nil
	}
	under, err := try(low)
	if err != nil || under > 0 {
		return 0, err
	}
	for n := 0; high-low > 1 && n < mostPlans; n++ {
		at := low + int(float64(high-low)*float64(-under)/float64(over-under))
		at = min(max(at, low+1), high-1)
		m, err := try(at)
		if err != nil {
			return 0, err
		}
		if m <= 0 {
			low, under = at, m
		} else {
			high, over = at, m
		}
	}
	return low * pieces, nil
}

// fittingPieces returns the smallest number of pieces in which the batch fits, among the
// first few of its divisors, or 0 if there is none.
func (l *layout) fittingPieces() (int, error) {
	if l.cfg.Inference || l.cfg.Tap != "" || l.cfg.hybrid() {
		return 0, nil
	}
	tried := 0
	for n := l.cfg.pieces() + 1; n <= l.cfg.Batch && tried < mostPlans; n++ {
		if l.cfg.Batch%n != 0 {
			continue
		}
		tried++
		cfg := l.cfg
		cfg.Accumulate = n
		if m, err := l.missing(cfg); err != nil || m <= 0 {
			return n, err
		}
	}
	return 0, nil
}
