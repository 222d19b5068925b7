// Package collectivetest tests any kind of group of ranks with one test: each rank
// makes all calls and checks the results against what it can compute alone.
package collectivetest

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"alexnet/engine/collective"
)

// Check makes every call on this rank of g. wire is the format of g's sums. All ranks
// run it.
func Check(g collective.Collective, wire collective.Wire) error {
	return errors.Join(checkSums(g, wire), checkBlocks(g), checkBytes(g))
}

// values returns the values that a rank adds to a sum.
func values(rank, round, n int) []float32 {
	r := rand.New(rand.NewPCG(uint64(rank), uint64(round)))
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	v[0] = float32(math.Copysign(0, -1)) // sums begin at +0
	return v
}

// Sum defines the sum of n values over ranks, bit by bit: in order of the ranks, in
// float32, rounded on the way there and back. One rank alone keeps its values.
func Sum(wire collective.Wire, ranks, round, n int) []float32 {
	if ranks == 1 {
		return values(0, round, n)
	}
	total := make([]float32, n)
	for rank := range ranks {
		wire.Accumulate(total, wire.Encode(values(rank, round, n)))
	}
	encoded := make([]byte, n*wire.Width())
	wire.Put(encoded, total)
	wire.Decode(total, encoded)
	return total
}

func checkSums(g collective.Collective, wire collective.Wire) error {
	sizes := []int{1, 2, 3, 1000, 65537, 1 << 20, 7, 300001}
	var sums [][]float32
	var pending []func() error
	for round, n := range sizes {
		v := values(g.Rank(), round, n)
		sums, pending = append(sums, v), append(pending, g.AllReduce(v))
	}
	if err := collective.Barrier(g); err != nil { // control calls may overtake sums in progress
		return err
	}
	for i := len(pending) - 1; i >= 0; i-- {
		if err := pending[i](); err != nil {
			return err
		}
	}
	h := fnv.New64a()
	for round, got := range sums {
		for i, want := range Sum(wire, g.Size(), round, len(got)) {
			if math.Float32bits(got[i]) != math.Float32bits(want) {
				return fmt.Errorf("sum of %d values: [%d] is %v, want %v", len(got), i, got[i], want)
			}
		}
		fmt.Fprint(h, got)
	}
	hashes, err := g.Gather(h.Sum(nil))
	if err != nil {
		return err
	}
	for rank, x := range hashes {
		if !bytes.Equal(x, hashes[0]) {
			return fmt.Errorf("rank %d has other sums than rank 0", rank)
		}
	}
	return nil
}

// checkBlocks exchanges blocks while a sum is in progress.
func checkBlocks(g collective.Collective) error {
	ranks, rank := g.Size(), g.Rank()
	sum := values(rank, 99, 1<<20)
	pending := g.AllReduce(sum)
	before := g.Sent()
	const n = 70001
	all, src, dst := make([]float32, n*ranks), make([]float32, n*ranks), make([]float32, n*ranks)
	copy(all[n*rank:], values(rank, 1, n))
	for r := range ranks {
		copy(src[n*r:], values(rank, 2+r, n))
	}
	gather, toAll := g.AllGather(all), g.AllToAll(dst, src)
	if err := errors.Join(toAll(), gather()); err != nil {
		return err
	}
	if sent := g.Sent() - before; ranks > 1 && sent < 4*n*int64(ranks) {
		return fmt.Errorf("%d bytes counted as sent", sent)
	}
	for r := range ranks {
		if !slices.Equal(all[n*r:n*(r+1)], values(r, 1, n)) {
			return fmt.Errorf("all-gather: wrong values of rank %d", r)
		}
		if !slices.Equal(dst[n*r:n*(r+1)], values(r, 2+rank, n)) {
			return fmt.Errorf("all-to-all: wrong values of rank %d", r)
		}
	}
	if ranks > 1 {
		if err := g.AllGather(make([]float32, ranks+1))(); err == nil {
			return errors.New("all-gather of blocks that aren't equal: no error")
		}
	}
	return pending()
}

func checkBytes(g collective.Collective) error {
	data := make([]byte, 100000)
	if g.Rank() == g.Size()-1 {
		for i := range data {
			data[i] = byte(i * 7)
		}
	}
	if err := g.Broadcast(data, g.Size()-1); err != nil {
		return err
	}
	for i, b := range data {
		if b != byte(i*7) {
			return fmt.Errorf("broadcast: [%d] is %d", i, b)
		}
	}
	parts, err := g.Gather(bytes.Repeat([]byte{byte(g.Rank())}, 3*g.Rank()))
	if err != nil {
		return err
	}
	for rank, p := range parts {
		if !bytes.Equal(p, bytes.Repeat([]byte{byte(rank)}, 3*rank)) {
			return fmt.Errorf("gather: rank %d gave %v", rank, p)
		}
	}
	return nil
}
