package main

// turnOrder is the order in which n contestants take turns in one of the rounds: a
// row of a Williams square. Position and predecessor are different ones in each
// round, as long as there are no more rounds than contestants. Rows of an odd
// number are reversed in every second round, so that at least two rounds in
// succession have no predecessor in common.
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
