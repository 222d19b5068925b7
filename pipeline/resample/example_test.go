package resample_test

import (
	"fmt"

	"alexnet/pipeline/resample"
)

// The middle of a 4×2 picture, as one pixel each way.
func ExampleResizer_Resize() {
	src := resample.Image{Pix: []byte{
		0, 0, 0, 10, 0, 0, 30, 0, 0, 40, 0, 0,
		0, 0, 9, 20, 0, 9, 40, 0, 9, 50, 0, 9,
	}, Stride: 12, Width: 4, Height: 2}
	dst := make([]byte, 2*1*3)
	resample.New(resample.Linear).Resize(dst, 2, 1, src, resample.Box{X: 1, Y: 0, Width: 2, Height: 2})
	fmt.Println(dst)
	fmt.Println(resample.Centre(512, 256, 128))
	// Output:
	// [15 0 5 35 0 5]
	// {128 0 256 256}
}
