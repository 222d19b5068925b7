package kernels_test

import (
	"fmt"

	"alexnet/engine/cuda/internal/kernels"
)

// AlexNet's first convolution, 11×11 at stride 4 on 224 pixels with padding 2, as
// a dense one.
func ExampleFoldedInput() {
	fmt.Println(kernels.FoldedInput(224, 11, 4, 2), "pixels a side, windows of", kernels.FoldedWindow(11, 4))
	// Output: 57 pixels a side, windows of 3
}

// What a training step of alexnet moves through these kernels in bfloat16, on
// one context, and the least time that takes at the memory bandwidth of an H100
// (3.35 TB/s) and at what an H200 reaches (4.3 TB/s). Convolutions and products,
// whose epilogues add biases and apply ReLUs, are not here.
func Example_roofline() {
	type tensor = float64 // bytes of an image
	const (
		bytes, folded = 224 * 224 * 3, 57 * 57 * 48 * 2
		conv1, pool1  = 55 * 55 * 96 * 2, 27 * 27 * 96 * 2
		conv2, pool2  = 27 * 27 * 256 * 2, 13 * 13 * 256 * 2
		conv34        = 13 * 13 * 384 * 2
		conv5, pool5  = 13 * 13 * 256 * 2, 6 * 6 * 256 * 2
		fc            = 4096 * 2
		parameters    = 60965224
	)
	rows := []struct {
		kernel string
		image  tensor // bytes read and written for an image
		step   float64
	}{
		{"input_folded", bytes + folded, 0},
		{"lrn_pool_forward 1", conv1 + pool1*1.5, 0}, // a position is half an element
		{"lrn_pool_forward 2", conv2 + pool2*1.5, 0},
		{"max_pool_forward 5", conv5 + pool5*1.5, 0},
		{"dropout 6, 7, there and back", 4 * 2 * fc, 0},
		{"activate_backward 3, 4, 5, 6, 7", 3 * (2*conv34 + conv5 + 2*fc), 0},
		{"max_pool_backward 5", pool5*1.5 + conv5, 0},
		{"pool_lrn_backward 2", pool2*1.5 + 2*conv2, 0},
		{"pool_lrn_backward 1", pool1*1.5 + 2*conv1, 0},
		{"column_sum 1 to 8", conv1 + conv2 + 2*conv34 + conv5 + 2*fc + 2000, 0},
		{"update", 0, parameters * (5*4 + 2)},
	}
	fmt.Println("batch                                128                   512")
	fmt.Println("kernel                               MB  3.35   4.3 µs     MB  3.35   4.3 µs")
	var total [2]float64
	for _, r := range rows {
		fmt.Printf("%-33s", r.kernel)
		for i, n := range []float64{128, 512} {
			moved := n*r.image + r.step
			total[i] += moved
			fmt.Printf("%*.0f %5.0f %5.0f", 6+4*i, moved/1e6, moved/3.35e6, moved/4.3e6)
		}
		fmt.Println()
	}
	fmt.Printf("%-33s", "all")
	for i, moved := range total {
		fmt.Printf("%*.0f %5.0f %5.0f", 6+4*i, moved/1e6, moved/3.35e6, moved/4.3e6)
	}
	fmt.Println()
	// Output:
	// batch                                128                   512
	// kernel                               MB  3.35   4.3 µs     MB  3.35   4.3 µs
	// input_folded                         59    18    14       237    71    55
	// lrn_pool_forward 1                  101    30    24       405   121    94
	// lrn_pool_forward 2                   64    19    15       258    77    60
	// max_pool_forward 5                   15     4     3        58    17    14
	// dropout 6, 7, there and back          8     3     2        34    10     8
	// activate_backward 3, 4, 5, 6, 7     139    42    32       557   166   129
	// max_pool_backward 5                  15     4     3        58    17    14
	// pool_lrn_backward 2                 112    33    26       449   134   104
	// pool_lrn_backward 1                 176    52    41       702   210   163
	// column_sum 1 to 8                   169    50    39       675   202   157
	// update                             1341   400   312      1341   400   312
	// all                                2199   657   511      4774  1425  1110
}
