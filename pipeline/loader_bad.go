package pipeline

import (
	"maps"
	"slices"
	"sync"
)

// BadSample is a sample that a loader could not read.
type BadSample struct {
	Sample int
	Err    error // names the shard and the offset
}

// maxBad is how many bad samples a loader remembers.
const maxBad = 1000

// badSamples remembers the first maxBad samples that were left out.
type badSamples struct {
	mu    sync.Mutex
	times int64 // rows of how many pictures were left out, repetitions included
	first map[int]error
}

func (b *badSamples) add(sample int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.times++
	if b.first == nil {
		b.first = map[int]error{}
	}
	if _, known := b.first[sample]; !known && len(b.first) < maxBad {
		b.first[sample] = err
	}
}

// Bad returns the samples that were left out so far, by number, each once; of
// more than a thousand, those that were met first. It may be called at any time
// from any goroutine.
func (l *Loader) Bad() []BadSample {
	l.bad.mu.Lock()
	defer l.bad.mu.Unlock()
	var all []BadSample
	for _, sample := range slices.Sorted(maps.Keys(l.bad.first)) {
		all = append(all, BadSample{sample, l.bad.first[sample]})
	}
	return all
}
