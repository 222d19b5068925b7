package decode_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"alexnet/pipeline/decode"
)

func ExampleDecoder_Decode() {
	picture := image.NewNRGBA(image.Rect(0, 0, 640, 480))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	picture.SetNRGBA(0, 0, color.NRGBA{A: 255}) // outside the centre
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		fmt.Println(err)
		return
	}
	r := decode.New(decode.Config{Size: 2})
	rgb := make([]byte, 2*2*3)
	if err := r.Decode(context.Background(), rgb, file.Bytes()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rgb)
	fmt.Println(r.Decode(context.Background(), rgb, nil))
	// Output:
	// [255 255 255 255 255 255 255 255 255 255 255 255]
	// the file is empty (0 bytes): fetch it again, or remove it
}
