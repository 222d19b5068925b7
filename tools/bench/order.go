package main

// turnOrder returns the order of n contestants in one of the rounds: a row of a Williams
// square. In each round a contestant has another position and another predecessor, if
// there are no more rounds than contestants. For an odd number, every second round's row
// is reversed, so that at least two successive rounds have no predecessor in common.
func turnOrder(n, round, rounds int) []int {
	shift := round * max(1, n/rounds)
	order := make([]int, n)
	for i := range order {
		at := i
		if n%2 == 1 && round%2 == 1 {
			at = n - 1 - i
		}
		step := (at + 1) / 2 // 0, 1, n-1, 2, n-2, …
		if at%2 == 0 {
			step = n - step
		}
		order[i] = (step + shift) % n
	}
	return order
}
