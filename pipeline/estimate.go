package pipeline

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"alexnet/pipeline/source"
)

// Estimate predicts a job's time and bytes from a measured sample of its pictures.
type Estimate struct {
	Pictures int           `json:"pictures"`
	Sample   int           `json:"sample"`    // pictures that were tried
	Bad      int           `json:"bad"`       // of those
	FirstBad Bad           `json:"first_bad"` // by name
	Enlarged int           `json:"enlarged"`  // of the sample, smaller than cfg.Size
	Bytes    int64         `json:"bytes"`     // of all shards; before zstd, where that is asked for
	Time     time.Duration `json:"time_ns"`   // with cfg.Workers on this machine as busy as it is now
}

// The largest number of pictures that are tried, and the longest time.
const (
	estimateSample = 512
	estimateTime   = 10 * time.Second
)

// EstimateShard decodes and encodes a sample of the pictures, spread evenly over the
// job, as Shard would. From that it estimates the time and bytes of the whole job. It
// writes nothing. As with Shard, it is an error if none of the pictures can be used.
func EstimateShard(ctx context.Context, cfg ShardConfig, src source.Source) (Estimate, error) {
	if err := cfg.Validate(); err != nil {
		return Estimate{}, err
	}
	items := cfg.selection(src.Items(), len(src.Classes()))
	if len(items) == 0 {
		return Estimate{}, errors.New("the source holds no pictures")
	}
	return estimate(ctx, cfg, src, items)
}

// EstimateAppend does the same as EstimateShard, for Append: it counts only pictures
// that the folder cfg.Out doesn't hold yet. There may be none.
func EstimateAppend(ctx context.Context, cfg ShardConfig, src source.Source) (Estimate, error) {
	plan, err := planAppend(ctx, cfg, src)
	if err != nil || len(plan.items) == 0 {
		return Estimate{}, err
	}
	return estimate(ctx, plan.cfg, plan.src, plan.items)
}

// estimate tries a sample of items.
func estimate(ctx context.Context, cfg ShardConfig, src source.Source, items []source.Item) (Estimate, error) {
	n := min(len(items), estimateSample)
	var next, tried, bytes, enlarged atomic.Int64
	var mu sync.Mutex
	var bad []Bad
	started := time.Now()
	var wg sync.WaitGroup
	for range cfg.Workers {
		wg.Go(func() {
			w := newShardWorker(src, &cfg)
			var picture []byte
			for ctx.Err() == nil && time.Since(started) < estimateTime {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				// The step shares no factor with most n, so a sample that ends early is spread over
				// the job, too.
				item := items[i*7919%n*len(items)/n]
				var totals totals
				var err error
				if picture, totals, err = w.encode(ctx, picture[:0], item); err != nil {
					mu.Lock()
					bad = append(bad, Bad{Name: item.Name, Reason: err.Error()})
					mu.Unlock()
				} else {
					bytes.Add(int64(len(picture)) + sampleOverhead + int64(len(item.Name)))
				}
				enlarged.Add(int64(totals.enlarged))
				tried.Add(1)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return Estimate{}, err
	}
	e := Estimate{Pictures: len(items), Sample: int(tried.Load()), Bad: len(bad), Enlarged: int(enlarged.Load())}
	if e.Bad > 0 {
		slices.SortFunc(bad, func(a, b Bad) int { return cmp.Compare(a.Name, b.Name) })
		e.FirstBad = bad[0]
	}
	if e.Bad == len(items) {
		return e, noneUsable(bad)
	}
	scale := float64(len(items)) / float64(max(e.Sample, 1))
	e.Bytes = int64(scale * float64(bytes.Load()))
	e.Time = time.Duration(scale * float64(time.Since(started)))
	return e, nil
}

// sampleOverhead is the bytes of a sample in a shard besides picture and name: its
// offset, two lengths, the label.
const sampleOverhead = 4 + 2*4 + 8
