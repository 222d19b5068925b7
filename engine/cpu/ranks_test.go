package cpu_test

import (
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/enginetest"
)

func TestRanks(t *testing.T) {
	for _, n := range []int{1, 2, 3} {
		enginetest.RunRanks(t, n, func(t *testing.T, _ int) engine.Context {
			c, err := cpu.New("cpu", cpu.Options{Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			return c
		})
	}
}
