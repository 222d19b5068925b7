package cpu_test

import (
	"fmt"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/enginetest"
)

func TestConformance(t *testing.T) {
	for _, portable := range []bool{false, true} {
		for _, threads := range []int{2, 1, 3} {
			if testing.Short() && threads != 2 {
				continue
			}
			t.Run(fmt.Sprintf("portable=%v/threads=%d", portable, threads), func(t *testing.T) {
				enginetest.Run(t, func(t *testing.T) engine.Context {
					c, err := cpu.New("cpu", cpu.Options{Threads: threads, Portable: portable})
					if err != nil {
						t.Fatal(err)
					}
					return c
				}, enginetest.FP32)
			})
		}
	}
}
