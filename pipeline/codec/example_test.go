package codec_test

import (
	"fmt"

	"alexnet/pipeline/codec"
)

func Example() {
	c, err := codec.ByName("raw", codec.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	rgb := []byte{255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9} // 2×2 pixels
	encoded, err := c.NewEncoder(2).Encode(nil, rgb)
	if err != nil {
		fmt.Println(err)
		return
	}
	pixels := make([]byte, len(rgb))
	fmt.Println(c.NewDecoder(2).Decode(pixels, encoded), pixels)
	fmt.Println(c.NewDecoder(2).Decode(pixels, encoded[:5]))
	// Output:
	// <nil> [255 0 0 0 255 0 0 0 255 9 9 9]
	// raw picture of 5 bytes, want 12 for 2×2 RGB
}
