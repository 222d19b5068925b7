package pipeline

import (
	"fmt"

	"alexnet/augment"
)

// Shuffle says in what order an epoch presents the samples. The zero value
// leaves it to the loader: ShuffleGlobal for training, ShuffleNone otherwise.
type Shuffle uint8

const (
	ShuffleDefault Shuffle = iota
	// ShuffleGlobal draws from all n! orders alike, to the extent that 64 bits
	// of seed can: Order.
	ShuffleGlobal
	// ShuffleNone presents the samples as they are stored.
	ShuffleNone
	// ShuffleShards reads shards one after the other, for storage that is slow
	// at random places: ShardOrder.
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

// These keep the orders apart from other uses of the same seed.
const (
	orderDomain      = 0x6f726465726f6631 // "orderof1"
	shardOrderDomain = 0x7368617264736f31 // "shardso1"
)

// Order is the order of one epoch: element i is the number of the sample that
// is presented as the i-th. It is a pure function of its arguments, the same on
// every machine: a Fisher–Yates shuffle with an augment.Stream. Four bytes a
// sample; n is at most 2³².
func Order(seed, epoch uint64, n int) []uint32 {
	order := make([]uint32, n)
	s := augment.NewStream(seed^orderDomain, epoch, 0)
	// The inside-out form needs no separate pass that fills in 0 … n−1.
	for i := range order {
		j := s.IntN(i + 1)
		order[i] = order[j]
		order[j] = uint32(i)
	}
	return order
}

// ShardOrder is an order that reads shard after shard: the shards are shuffled,
// put one after the other, and of that sequence every window consecutive samples
// are shuffled among themselves. So sample i of the order comes from the shards
// that window i/window of the sequence touches, and no other window needs them
// but the two beside it. first[k] is the number of shard k's first sample, and
// its last element the number of samples. A pure function of its arguments.
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
