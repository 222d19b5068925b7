package augment_test

import (
	"fmt"

	"alexnet/augment"
)

// One picture as training sees it in epoch 3: cropped, perhaps mirrored, and
// with a colour to be added to every pixel.
func Example() {
	const size, crop = 4, 2
	picture := make([]byte, size*size*3)
	for i := range picture {
		picture[i] = byte(i)
	}

	var sums augment.Sums
	sums.Add(picture)
	pca, err := augment.FromSums(sums)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("mean %.1f, variance along the first axis %.1f\n", pca.Mean, pca.Eigenvalues[0])

	s := augment.NewStream(1, 3, 42) // seed, epoch, sample
	view := augment.RandomView(&s, size, crop)
	colour := pca.Noise(&s, augment.DefaultSigma, augment.SqrtLambda)
	pixels := make([]byte, crop*crop*3)
	augment.CopyCrop(pixels, picture, size, view.X, view.Y, crop, view.Flip)
	fmt.Printf("%+v\n%v\n%.2f\n", view, pixels, colour)
	// Output:
	// mean [22.5 23.5 24.5], variance along the first axis 573.8
	// {X:2 Y:1 Flip:true}
	// [21 22 23 18 19 20 33 34 35 30 31 32]
	// [-1.23 -1.23 -1.23]
}
