package pipeline

import (
	"slices"
	"sync"
)

// BadSample is a sample that a loader could not read.
type BadSample struct {
	Sample int
	Err    error // names the shard and the offset
}

// maxBad is the most bad samples that a loader remembers.
const maxBad = 1000

// badSamples remembers the first maxBad samples that were left out.
type badSamples struct {
	mu    sync.Mutex
	times int64 // pictures whose rows were left out, repetitions included
	known map[int]bool
	first []BadSample // in the order of discovery
}

func (b *badSamples) add(sample int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.times++
	if b.known == nil {
		b.known = map[int]bool{}
	}
	if !b.known[sample] && len(b.first) < maxBad {
		b.known[sample] = true
		b.first = append(b.first, BadSample{sample, err})
	}
}

// Bad returns the samples that were left out so far, in the order of their numbers,
// each once. If there are more than a thousand, it returns the first thousand that were
// found. It may be called at any time from any goroutine.
func (l *Loader) Bad() []BadSample {
	all := l.BadSince(0)
	slices.SortFunc(all, func(a, b BadSample) int { return a.Sample - b.Sample })
	return all
}

// BadSince returns the samples of Bad in the order in which they were found, without
// the first n.
func (l *Loader) BadSince(n int) []BadSample {
	l.bad.mu.Lock()
	defer l.bad.mu.Unlock()
	return slices.Clone(l.bad.first[n:])
}
