package augment

import "fmt"

// View is a crop of a picture: its upper left pixel, and whether it is mirrored
// left to right after cropping.
type View struct {
	X, Y int
	Flip bool
}

// RandomView draws a view: each of the (size−crop+1)² places and both
// orientations are equally likely. It panics when the crop is larger than the
// picture.
func RandomView(s *Stream, size, crop int) View {
	places := size - crop + 1
	return View{X: s.IntN(places), Y: s.IntN(places), Flip: s.Uint64()>>63 == 1}
}

// CentreView returns the crop in the middle, not mirrored. If the border is odd, its
// extra pixel is on the right and at the bottom.
func CentreView(size, crop int) View {
	at := (size - crop) / 2
	return View{X: at, Y: at}
}

// CopyCrop copies the square of crop×crop pixels whose upper left pixel is
// (x, y) from src, a picture of size×size pixels, to dst, mirrored left to right
// if flip. Both are RGB bytes and must not overlap; dst has exactly
// crop·crop·3 bytes, and src size·size·3. It panics when the lengths don't
// agree or the square does not lie inside the picture.
func CopyCrop(dst, src []byte, size, x, y, crop int, flip bool) {
	if len(src) != size*size*3 || len(dst) != crop*crop*3 ||
		x < 0 || y < 0 || crop < 1 || x > size-crop || y > size-crop {
		panic(fmt.Sprintf("augment: CopyCrop: %d² pixels at (%d, %d) from %d² (%d bytes) into %d bytes",
			crop, x, y, size, len(src), len(dst)))
	}
	for row := range crop {
		from := src[((y+row)*size+x)*3:][:crop*3]
		to := dst[row*crop*3:][:crop*3]
		if flip {
			MirrorRow(to, from)
		} else {
			copy(to, from)
		}
	}
}
