package pipeline

import (
	"fmt"

	"alexnet/augment"
)

// Shuffle is the order in which an epoch presents the samples. The zero value is
// ShuffleGlobal for training, ShuffleNone otherwise.
type Shuffle uint8

const (
	ShuffleDefault Shuffle = iota
	// ShuffleGlobal shuffles all samples. Every order is equally likely, within the limits
	// of a 64-bit seed. See Order.
	ShuffleGlobal
	// ShuffleNone presents the samples as they are stored.
	ShuffleNone
	// ShuffleShards reads shards one after the other, for storage with slow random
	// access. See ShardOrder.
	ShuffleShards
)

var shuffles = [...]string{ShuffleDefault: "default", ShuffleGlobal: "global", ShuffleNone: "none", ShuffleShards: "shards"}

// String is the mode's name on the command line.
func (s Shuffle) String() string {
	if int(s) < len(shuffles) {
		return shuffles[s]
	}
	return fmt.Sprintf("Shuffle(%d)", s)
}

// ParseShuffle is the inverse of String.
func ParseShuffle(name string) (Shuffle, error) {
	for s, text := range shuffles {
		if text == name {
			return Shuffle(s), nil
		}
	}
	return 0, fmt.Errorf("shuffle %q is unknown, want one of %q", name, shuffles)
}

// Different domains give different orders for the same seed.
const (
	orderDomain      = 0x6f726465726f6631 // "orderof1"
	shardOrderDomain = 0x7368617264736f31 // "shardso1"
)

// Order returns the order of one epoch: element i is the number of the i-th sample to
// present. It depends on its arguments only and is the same on every machine: a
// Fisher–Yates shuffle with an augment.Stream. It takes four bytes a sample; n is at
// most 2³².
func Order(seed, epoch uint64, n int) []uint32 {
	order := make([]uint32, n)
	s := augment.NewStream(seed^orderDomain, epoch, 0)
	// This form of the shuffle needs no pass that fills in 0 … n−1.
	for i := range order {
		j := s.IntN(i + 1)
		order[i] = order[j]
		order[j] = uint32(i)
	}
	return order
}

// ShardOrder returns an order of one epoch that reads shard after shard. It shuffles
// the shards and puts them one after the other. Then it divides this sequence into
// windows of window consecutive samples, and shuffles the samples within each window.
// So sample i of the order comes from the shards that window i/window touches. Two
// windows that are not neighbours share a shard only if the shard is larger than a
// window. first[k] is the number of shard k's first sample, and the last element of
// first is the number of samples. The result depends on the arguments only.
func ShardOrder(seed, epoch uint64, first []int, window int) []uint32 {
	shards := len(first) - 1
	order := make([]uint32, 0, first[shards])
	for _, shard := range Order(seed^shardOrderDomain, epoch, shards) {
		for i := first[shard]; i < first[shard+1]; i++ {
			order = append(order, uint32(i))
		}
	}
	s := augment.NewStream(seed^shardOrderDomain, epoch, 1)
	for rest := order; len(rest) > 0; {
		n := min(window, len(rest))
		for i := n - 1; i > 0; i-- {
			j := s.IntN(i + 1)
			rest[i], rest[j] = rest[j], rest[i]
		}
		rest = rest[n:]
	}
	return order
}
