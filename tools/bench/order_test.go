package main

import (
	"slices"
	"testing"
)

// TestTurnOrder: everyone has a turn in each round, nobody is behind the same one
// in two rounds that follow each other, and an even number of contestants never
// repeats a place or a predecessor within as many rounds.
func TestTurnOrder(t *testing.T) {
	for n := 1; n <= 24; n++ {
		for rounds := 1; rounds <= n; rounds++ {
			before := make([][]int, n) // of each contestant, by round
			places := make([][]int, n)
			for round := range rounds {
				order := turnOrder(n, round, rounds)
				for at, c := range order {
					places[c] = append(places[c], at)
					if len(places[c]) != round+1 {
						t.Fatalf("round %d of %d: %v", round, n, order)
					}
					previous := -1 - round // the first has none
					if at > 0 {
						previous = order[at-1]
					}
					before[c] = append(before[c], previous)
				}
			}
			for c := range n {
				for round := 1; round < rounds; round++ {
					if before[c][round] == before[c][round-1] {
						t.Errorf("%d contestants, %d rounds: %d is behind %d twice in succession", n, rounds, c, before[c][round])
					}
				}
				if n%2 == 0 && (repeats(before[c]) || repeats(places[c])) {
					t.Errorf("%d contestants, %d rounds: %d is behind %v at %v", n, rounds, c, before[c], places[c])
				}
			}
		}
	}
}

func repeats(values []int) bool {
	return len(slices.Compact(slices.Sorted(slices.Values(values)))) != len(values)
}
