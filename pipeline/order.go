package pipeline

import "alexnet/augment"

// Shuffle says in what order an epoch presents the samples. The zero value
// leaves it to the loader: ShuffleGlobal for training, ShuffleNone otherwise.
type Shuffle uint8

const (
	ShuffleDefault Shuffle = iota
	// ShuffleGlobal draws from all n! orders alike, to the extent that 64 bits
	// of seed can.
	ShuffleGlobal
	// ShuffleNone presents the samples as they are stored.
	ShuffleNone
)

// orderDomain keeps the orders apart from other uses of the same seed.
const orderDomain = 0x6f726465726f6631 // "orderof1"

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
