package turbojpeg_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"alexnet/pipeline/jpeg/turbojpeg"
)

// A caller decides what to do without the library.
func ExampleNewDecoder() {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewGray(image.Rect(0, 0, 3, 2)), nil); err != nil {
		fmt.Println(err)
		return
	}
	decoder, err := turbojpeg.NewDecoder()
	if err != nil {
		m, err := jpeg.Decode(&file)
		fmt.Println(m.Bounds().Dx(), m.Bounds().Dy(), err)
		return
	}
	defer decoder.Close()
	header, err := decoder.Header(file.Bytes())
	if err != nil {
		fmt.Println(err)
		return
	}
	rgb := make([]byte, 3*header.Width*header.Height)
	err = decoder.Decode(rgb, file.Bytes(), header)
	fmt.Println(header.Width, header.Height, err)
	// Output: 3 2 <nil>
}
