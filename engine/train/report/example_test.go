package report_test

import (
	"fmt"

	"alexnet/engine/train/report"
)

// Ninety-six kernels of 11×11 in two towers: three rows of sixteen each.
func ExampleKernels() {
	img, err := report.Kernels(make([]float32, 96*3*11*11), []int{96, 3, 11, 11}, 2)
	fmt.Println(img.Bounds(), err)
	// Output: (0,0)-(772,308) <nil>
}
