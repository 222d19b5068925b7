package tcp

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"alexnet/engine/collective"
)

// BenchmarkSums times sums of 2²⁴ values, 64 MiB, over ranks of this process. Bytes
// are those of a rank's values.
func BenchmarkSums(b *testing.B) {
	const n = 1 << 24
	for _, c := range []struct {
		ranks int
		wire  collective.Wire
	}{{2, collective.Float32}, {4, collective.Float32}, {2, collective.BFloat16}} {
		b.Run(fmt.Sprintf("%d ranks, %d bytes a value", c.ranks, c.wire.Width()), func(b *testing.B) {
			b.SetBytes(4 * n)
			address, exits := port(b), make(chan int, c.ranks)
			var all sync.WaitGroup
			for r := range c.ranks {
				all.Go(func() {
					s, err := rank(r, c.ranks, address, Options{Wire: c.wire}, io.Discard, exits)
					if err != nil {
						b.Error(err)
						return
					}
					values := make([]float32, n)
					for range b.N {
						err = errors.Join(err, s.AllReduce(values)())
					}
					if err := errors.Join(err, s.Close()); err != nil {
						b.Error(err)
					}
				})
			}
			all.Wait()
		})
	}
}
