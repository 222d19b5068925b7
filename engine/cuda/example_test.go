package cuda_test

import (
	"fmt"

	"alexnet/engine/cuda"
)

func Example() {
	p, err := cuda.ParsePrecision("bf16")
	if err != nil {
		fmt.Println(err)
		return
	}
	// Two contexts on the first GPU, each for one tower of the net.
	contexts, err := cuda.Open([]string{"cuda:0", "cuda:zero"}, cuda.Options{Precision: p})
	for _, c := range contexts {
		defer c.Close()
	}
	fmt.Println(err)
	// Output: device "cuda:zero": want cuda, or cuda: and the number of a GPU, from 0
}
