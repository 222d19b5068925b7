package pipeline

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"

	"alexnet/augment"
	"alexnet/pipeline/decode"
	"alexnet/pipeline/source"
)

// SourceStats describe a source's pictures before they become shards.
type SourceStats struct {
	Pictures  int            `json:"pictures"` // listed
	Bad       []Bad          `json:"bad"`      // their headers can't be read
	Formats   map[string]int `json:"formats"`
	Grey      int            `json:"grey"`
	CMYK      int            `json:"cmyk"`
	Turned    int            `json:"turned"` // by EXIF
	Small     int            `json:"small"`  // with a short side below decode.DefaultSize
	Bytes     int64          `json:"bytes"`
	FileBytes Quartiles      `json:"file_bytes"`
	ShortSide Quartiles      `json:"short_side"` // pixels
	LongSide  Quartiles      `json:"long_side"`
	PerClass  []int          `json:"per_class"`
	// Colours are the statistics of the pictures as they would be stored, if they were
	// asked for.
	Colours augment.Sums `json:"colours"`
}

// Quartiles are the smallest value, the three quartiles and the largest value.
type Quartiles [5]int

// StatsOfSource reads all picture files of src with a number of workers, 0 meaning one
// per processor. With colours it also decodes each picture, which takes as long as
// sharding. It keeps 12 bytes a picture in memory.
func StatsOfSource(ctx context.Context, src source.Source, workers int, colours bool, progress func(done, total int)) (SourceStats, error) {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	workers = min(workers, MostWorkers)
	cfg := ShardConfig{Out: "-", Codec: "raw"}
	if err := cfg.Validate(); err != nil {
		return SourceStats{}, err
	}
	items := src.Items()
	sum := SourceStats{Pictures: len(items), Bad: []Bad{}, Formats: map[string]int{}, PerClass: make([]int, len(src.Classes()))}
	var sizes [3][]int32 // of files, short and long sides
	var mu sync.Mutex
	next, done := 0, 0
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			w := newShardWorker(src, &cfg)
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(items) || ctx.Err() != nil {
					return
				}
				d, colour, err := w.describe(ctx, items[i], colours)
				if ctx.Err() != nil {
					return
				}
				mu.Lock()
				sum.PerClass[items[i].Label]++
				if err != nil {
					sum.Bad = append(sum.Bad, Bad{Name: items[i].Name, Reason: err.Error()})
				} else {
					sum.add(&d, len(w.file))
					sum.Colours.Merge(colour)
					sizes[0] = append(sizes[0], int32(len(w.file)))
					sizes[1] = append(sizes[1], int32(min(d.Width, d.Height)))
					sizes[2] = append(sizes[2], int32(max(d.Width, d.Height)))
				}
				if done++; progress != nil {
					progress(done, len(items))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	sum.FileBytes, sum.ShortSide, sum.LongSide = quartiles(sizes[0]), quartiles(sizes[1]), quartiles(sizes[2])
	slices.SortFunc(sum.Bad, func(a, b Bad) int { return strings.Compare(a.Name, b.Name) })
	return sum, ctx.Err()
}

// describe reads a picture's file to w.file, its header and, if asked, the sums
// of its pixels as they would be stored.
func (w *shardWorker) describe(ctx context.Context, item source.Item, colours bool) (d decode.Description, sums augment.Sums, err error) {
	if err = w.read(item); err != nil {
		return d, sums, err
	}
	if d, err = decode.Describe(w.file); err != nil || !colours {
		return d, sums, err
	}
	if err = w.decoder.Decode(ctx, w.rgb, w.file); err == nil {
		sums.Add(w.rgb)
	}
	return d, sums, err
}

func (s *SourceStats) add(d *decode.Description, bytes int) {
	s.Formats[d.Format]++
	s.Bytes += int64(bytes)
	for _, c := range []struct {
		is    bool
		count *int
	}{{d.Grey, &s.Grey}, {d.CMYK, &s.CMYK}, {d.Turned, &s.Turned}, {min(d.Width, d.Height) < decode.DefaultSize, &s.Small}} {
		if c.is {
			*c.count++
		}
	}
}

func quartiles(values []int32) (q Quartiles) {
	if len(values) == 0 {
		return q
	}
	slices.Sort(values)
	for i := range q {
		q[i] = int(values[i*(len(values)-1)/4])
	}
	return q
}
