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
func ExampleDecoder() {
	file, err := os.ReadFile("testdata/420.jpg")
	if err != nil {
		fmt.Println(err)
		return
	}
	d := jpeg.NewDecoder(true)
	corner := image.Rect(0, 0, 2, 1)
	p, err := d.Decode(context.Background(), file, func(h jpeg.Header) (image.Rectangle, error) {
		fmt.Printf("%d×%d\n", h.Width, h.Height)
		return corner, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	rgb := make([]byte, 3*corner.Dx()*corner.Dy())
	p.RGB(rgb, corner)
	fmt.Println(rgb)
	// Output:
	// 37×29
	// [15 197 34 37 216 54]
}
