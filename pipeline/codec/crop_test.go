package codec

import (
	"bytes"
	"fmt"
	"testing"

	"alexnet/augment"
)

// TestDecodeCrop compares crops with crops of whole pictures: odd sizes, every
// corner, mirrored or not, one decoder for all.
func TestDecodeCrop(t *testing.T) {
	for _, c := range codecs(t) {
		for _, size := range []int{1, 2, 15, 33, 64} {
			decoder, ok := c.NewDecoder(size).(CropDecoder)
			if !ok {
				t.Logf("%s decodes whole pictures only", c.Name())
				break
			}
			src, err := c.NewEncoder(size).Encode(nil, gradient(size))
			if err != nil {
				t.Fatal(err)
			}
			whole := make([]byte, size*size*3)
			if err := decoder.Decode(whole, src); err != nil {
				t.Fatal(err)
			}
			for _, crop := range []int{1, size/2 + 1, size} {
				far := size - crop
				for _, v := range []augment.View{{}, {X: far}, {Y: far}, {X: far, Y: far}, {X: far / 2, Y: (far + 1) / 2}} {
					for _, v.Flip = range []bool{false, true} {
						want := make([]byte, crop*crop*3)
						augment.CopyCrop(want, whole, size, v.X, v.Y, crop, v.Flip)
						got := bytes.Repeat([]byte{77}, crop*crop*3+8)
						if err := decoder.DecodeCrop(got[:len(want):len(want)], src, v, crop); err != nil {
							t.Fatal(err)
						}
						if !bytes.Equal(got[:len(want)], want) || !bytes.Equal(got[len(want):], bytes.Repeat([]byte{77}, 8)) {
							t.Fatalf("%s: crop %d of %d at %+v differs from that of the whole picture", c.Name(), crop, size, v)
						}
					}
				}
			}
		}
	}
}

// TestDecodeCropDamage cuts pictures short.
func TestDecodeCropDamage(t *testing.T) {
	const size, crop = 32, 16
	for _, c := range codecs(t) {
		decoder, ok := c.NewDecoder(size).(CropDecoder)
		if !ok {
			continue
		}
		src, err := c.NewEncoder(size).Encode(nil, gradient(size))
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]byte, crop*crop*3)
		data := len(src)
		if c.Name() == "jpeg" {
			data -= 2 // its end marker holds nothing of the picture
		}
		for n := range data {
			if err := decoder.DecodeCrop(dst, src[:n], augment.View{}, crop); err == nil {
				t.Fatalf("%s: no error of the first %d of %d bytes", c.Name(), n, len(src))
			}
		}
	}
}

func TestDecodeCropPanics(t *testing.T) {
	for _, c := range []Codec{Raw{}, Lossless{}} {
		decoder := c.NewDecoder(8).(CropDecoder)
		src, err := c.NewEncoder(8).Encode(nil, gradient(8))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []augment.View{{X: -1}, {Y: -1}, {X: 5}, {Y: 5}} {
			t.Run(fmt.Sprint(c.Name(), v), func(t *testing.T) {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				decoder.DecodeCrop(make([]byte, 4*4*3), src, v, 4)
			})
		}
	}
}

// TestDecodeAllocates nothing.
func TestDecodeAllocates(t *testing.T) {
	const size, crop = 256, 224
	for _, c := range codecs(t) {
		t.Run(c.Name(), func(t *testing.T) {
			src, err := c.NewEncoder(size).Encode(nil, gradient(size))
			if err != nil {
				t.Fatal(err)
			}
			rgb := make([]byte, size*size*3)
			decoder := c.NewDecoder(size)
			decode := func() {
				if err := decoder.Decode(rgb, src); err != nil {
					t.Fatal(err)
				}
				if d, ok := decoder.(CropDecoder); ok {
					if err := d.DecodeCrop(rgb[:crop*crop*3], src, augment.View{X: 3, Y: 5, Flip: true}, crop); err != nil {
						t.Fatal(err)
					}
				}
			}
			decode()
			if n := testing.AllocsPerRun(20, decode); n > 0 {
				t.Errorf("%v allocations a picture, want none", n)
			}
		})
	}
}
