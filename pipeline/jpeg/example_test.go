package jpeg_test

import (
	"context"
	"fmt"
	"image"
	"os"

	"alexnet/pipeline/jpeg"
)

// The upper left corner of a picture is read; the rest of it is decoded only as
// far as it takes to know that it is whole.
func ExampleFastDecoder() {
	file, err := os.ReadFile("testdata/420.jpg")
	if err != nil {
		fmt.Println(err)
		return
	}
	var d jpeg.FastDecoder
	width, height, err := d.Open(file)
	if err != nil {
		fmt.Println(err) // another decoder has to look at it
		return
	}
	img, err := d.Decode(context.Background(), image.Rect(0, 0, 8, 8))
	if err != nil {
		fmt.Println(err)
		return
	}
	planes := img.(*image.YCbCr)
	fmt.Printf("%d×%d, of which %v, %v; first brightness %d\n", width, height, planes.Rect, planes.SubsampleRatio, planes.Y[0])
	// Output: 37×29, of which (0,0)-(16,16), YCbCrSubsampleRatio420; first brightness 124
}
