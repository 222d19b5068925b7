package pipeline

import (
	"context"
	"sync"
)

// prefetcher fetches the shards of a remote dataset before they are needed. It walks along the
// sequence of samples until the shards that it has passed take half of the cache; the
// other half holds the shards in use.
type prefetcher struct {
	dataset *Dataset
	sample  func(at int) int // the sample at a place of the sequence
	taken   func() int       // the number of places given to workers
	end     int              // places in all; −1: no end
	busy    int              // places before taken where workers may still be
	reach   int              // the most places ahead
	moved   chan struct{}    // a signal after taken has grown

	at, behind int         // the next place to examine; the first that counts
	count      map[int]int // shards in between, with their numbers of places
	seen       map[int]int // the place at which a shard was last sent to the fetchers
	bytes      int64       // of the shards in count
	wanted     chan int    // shards, to the fetchers
}

// fetchers is the number of shards that are fetched at the same time.
const fetchers = 4

// again is the number of places after which a shard in use is requested once more, so
// that the cache doesn't count it as unused.
const again = 4096

// start walks until the context or the sequence ends. group counts the goroutines.
func (s *prefetcher) start(ctx context.Context, group *sync.WaitGroup) {
	s.moved = make(chan struct{}, 1)
	s.count, s.seen, s.wanted = map[int]int{}, map[int]int{}, make(chan int)
	s.at, s.behind = s.taken(), s.taken()
	for range fetchers {
		group.Go(func() {
			for n := range s.wanted {
				// The worker that needs the shard fetches it again and gets the error.
				s.dataset.remote.Fetch(ctx, &s.dataset.shards[n].info)
			}
		})
	}
	group.Go(func() {
		defer close(s.wanted)
		for s.walk(ctx) {
			select {
			case <-s.moved:
			case <-ctx.Done():
				return
			}
		}
	})
}

// advanced tells the prefetcher that workers have moved on. It does nothing for a nil prefetcher.
func (s *prefetcher) advanced() {
	if s == nil {
		return
	}
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

// walk goes as far as it may. It returns false at the end of the sequence.
func (s *prefetcher) walk(ctx context.Context) bool {
	for {
		taken := s.taken()
		for ; s.behind < min(taken-s.busy, s.at); s.behind++ {
			s.leave(s.shard(s.behind))
		}
		if s.at == s.end {
			return false
		}
		n := s.shard(s.at)
		switch {
		case s.at < taken: // a worker has requested it already
			s.pass(n)
		case s.at-taken >= s.reach, s.count[n] == 0 && s.bytes > 0 && s.bytes+s.size(n) > s.dataset.remote.CacheSize()/2:
			return true
		default:
			last, known := s.seen[n]
			if s.pass(n) || !known || s.at-last >= again {
				s.seen[n] = s.at
				select {
				case s.wanted <- n:
				case <-ctx.Done():
					return false
				}
			}
		}
		s.at++
	}
}

// pass counts a place of shard n as ahead, and reports whether it is the shard's only
// one.
func (s *prefetcher) pass(n int) bool {
	s.count[n]++
	if s.count[n] > 1 {
		return false
	}
	s.bytes += s.size(n)
	return true
}

// leave counts a place of a shard as passed.
func (s *prefetcher) leave(n int) {
	if s.count[n]--; s.count[n] == 0 {
		delete(s.count, n)
		s.bytes -= s.size(n)
	}
}

func (s *prefetcher) size(n int) int64 { return s.dataset.shards[n].info.RawData.Bytes }

func (s *prefetcher) shard(at int) int { return s.dataset.shardOf(s.sample(at)) }
