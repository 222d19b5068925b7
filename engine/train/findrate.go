package train

import (
	"context"
	"errors"
	"math"
	"time"

	"alexnet/engine"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// RateSweep is the loss during a short training in which the learning rate rises from
// step to step (Smith 2015, "Cyclical learning rates", §3.3).
type RateSweep struct {
	Rates  []float64 // of each step
	Losses []float64 // after each step: means that weigh the last steps most
	// Suggested is a learning rate to train with, 0 where none has made the loss fall.
	// Then Advice says what may help.
	Suggested float64
	Advice    Note
	// Cut says that Config.MaxTime ended the sweep before its highest rate.
	Cut bool
}

const (
	sweepSteps   = 600
	sweepLow     = 1e-4
	sweepHigh    = 1
	sweepSmooth  = 0.97 // weight of earlier losses in a mean loss
	sweepEnd     = 3    // times the lowest mean loss, where the sweep ends
	sweepSettles = 40   // steps until a mean is meaningful
	sweepWindow  = 100  // steps over which a fall of the loss is measured
	sweepFall    = 0.98 // fraction of chance to which the loss has to fall in a window
)

// FindRate trains for some steps with a rising learning rate, and writes nothing. The
// job must have a single rank and begin with first weights. It takes Config.MaxTime at
// most. tell, which may be nil, is called after every step.
func (j *Job) FindRate(ctx context.Context, tell func(done, steps int)) (_ *RateSweep, err error) {
	if j.group.Size() > 1 || j.checkpoint != nil || j.over != "" {
		return nil, setting.Errorf("a search for the learning rate is for one rank and a run that hasn't begun: give another %s", setting.Name("run"))
	}
	m, err := j.model(ctx, nil)
	if err != nil {
		return nil, err
	}
	batches := j.trainBatches(m)
	defer func() { err = errors.Join(err, batches.Close(), m.Close()) }()
	f, err := batches.endless()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	s, mean, lowest, chance := new(RateSweep), 0.0, math.Inf(1), math.Log(float64(j.net.Classes))
	for n, began := 0, time.Now(); n < sweepSteps && !s.Cut; n++ {
		b, err := f.Next(ctx)
		if err != nil {
			return nil, err
		}
		rate := sweepLow * math.Pow(sweepHigh/sweepLow, float64(n)/(sweepSteps-1))
		loss, ok, err := sweepStep(m, b, engine.Step{Seed: j.c.Seed, Number: uint64(n), LearningRate: float32(rate), Momentum: float32(j.c.Momentum)})
		if err != nil {
			return nil, err
		}
		mean = sweepSmooth*mean + (1-sweepSmooth)*loss
		settled := mean / (1 - math.Pow(sweepSmooth, float64(n+1))) // Adam's correction of a mean that began at 0
		if !ok || n > sweepSettles && settled > sweepEnd*lowest {
			break
		}
		s.Rates, s.Losses = append(s.Rates, rate), append(s.Losses, settled)
		if n >= sweepSettles {
			lowest = min(lowest, settled)
		}
		if tell != nil {
			tell(n+1, sweepSteps)
		}
		s.Cut = j.c.MaxTime > 0 && time.Since(began) > j.c.MaxTime
	}
	if len(s.Rates) == 0 {
		return nil, setting.Errorf("the first step's loss is no number: look at %s and %s", setting.Name("init"), setting.Name("input-scale"))
	}
	if s.Cut {
		j.note("note: %s ended the search after %s, at a rate of %.2g; higher ones weren't tried", setting.Name("max-time"), printable.Count(len(s.Rates), "step"), s.Rates[len(s.Rates)-1])
	}
	s.suggest(chance)
	s.Advice = j.rateAdvice(s)
	return s, nil
}

// rateAdvice gives advice if no rate has made the loss fall.
func (j *Job) rateAdvice(s *RateSweep) Note {
	switch {
	case s.Cut:
		return setting.Textf("give it more time")
	case j.c.Init == string(engine.InitHe):
		return setting.Textf("look whether the pictures and their labels agree: prep-imagenet inspect draws a sheet of them")
	}
	return setting.Textf("it may need a start that leaves chance sooner, such as %s", setting.Suggest("recipe", "small"))
}

// sweepStep trains on a batch. ok is false if the loss is not a number any more.
func sweepStep(m *engine.Model, b engine.Batch, step engine.Step) (loss float64, ok bool, err error) {
	if err := m.Start(b, step); err != nil {
		return 0, false, err
	}
	o, err := m.Finish()
	if err != nil || o.Halted {
		return 0, false, err
	}
	for _, l := range o.Loss {
		loss += float64(l) / float64(len(o.Loss))
	}
	return loss, !math.IsNaN(loss) && !math.IsInf(loss, 0), nil
}

// suggest chooses the rate at which the loss fell most, rounded to 1, 2 or 5 times a
// power of ten. A loss above chance (that of guessing) counts as chance: a fall to
// chance only removes the noise of the first weights, and teaches nothing.
func (s *RateSweep) suggest(chance float64) *RateSweep {
	loss := func(n int) float64 { return min(s.Losses[n], chance) }
	at, most := 0, (1-sweepFall)*chance
	for n := sweepSettles; n+sweepWindow < len(s.Losses); n++ {
		if fall := loss(n) - loss(n+sweepWindow); fall > most {
			at, most = n+sweepWindow/2, fall
		}
	}
	if at == 0 {
		return s
	}
	rate := s.Rates[at]
	power := math.Pow(10, math.Floor(math.Log10(rate)))
	near := 1.0
	for _, f := range []float64{2, 5, 10} {
		if math.Abs(math.Log(rate/power/f)) < math.Abs(math.Log(rate/power/near)) {
			near = f
		}
	}
	s.Suggested = near * power
	return s
}
