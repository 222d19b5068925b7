package decode

import (
	"alexnet/pipeline/formats/tiff"
	"alexnet/pipeline/resample"
)

const (
	orientationTag tiff.Tag = 0x0112 // 1 is upright, 2 to 8 are its mirrored and turned forms (EXIF 2.32, 4.6.4.A)
	xmpTag         tiff.Tag = 0x02bc
)

// orientation returns the orientation in a file, 1…8, from the first EXIF data that has
// one, else from XMP, else 1.
func orientation(format string, data []byte) int {
	find := containers[format]
	if find == nil {
		return 1
	}
	exif, xmp := find(data)
	for _, e := range exif {
		if o, ok := exifOrientation(e); ok {
			return o
		}
	}
	for _, x := range xmp {
		if o, ok := xmpOrientation(x); ok {
			return o
		}
	}
	return 1
}

// exifOrientation reads the tag from EXIF data, a TIFF structure, of any integer type. A
// value that isn't an orientation counts as 1, unreadable data as none.
func exifOrientation(exif []byte) (o int, ok bool) {
	d, err := tiff.ReadDirectory(exif)
	if err != nil {
		return 1, false
	}
	v := d.Ints(orientationTag)
	if len(v) == 0 {
		return 1, false
	}
	if v[0] < 1 || v[0] > 8 {
		return 1, true
	}
	return int(v[0]), true
}

// storedCentre returns resample.Centre of the upright picture, in coordinates of the
// stored picture of width×height pixels. It can be off the centre by a pixel, to another
// side in each orientation.
func storedCentre(width, height, size, orientation int) resample.Box {
	if orientation < 5 {
		return mirrored(resample.Centre(width, height, size), width, height, orientation)
	}
	return mirrored(transposed(resample.Centre(height, width, size)), width, height, orientation)
}

func transposed(w resample.Box) resample.Box {
	return resample.Box{X: w.Y, Y: w.X, Width: w.Height, Height: w.Width}
}

// mirrored returns the window after the mirroring of the orientation, without
// transposing.
func mirrored(w resample.Box, width, height, orientation int) resample.Box {
	switch orientation {
	case 2, 3, 7, 8:
		w.X = float64(width) - w.X - w.Width
	}
	switch orientation {
	case 3, 4, 6, 7:
		w.Y = float64(height) - w.Y - w.Height
	}
	return w
}

// upright turns a picture with that orientation. Resizing isn't exactly the same
// in both directions, so a picture is turned before it is resized.
func (r *Decoder) upright(p picture, orientation int) picture {
	w := mirrored(p.window, p.width, p.height, orientation)
	turned := picture{width: p.width, height: p.height, window: w}
	if orientation >= 5 {
		turned = picture{width: p.height, height: p.width, window: transposed(w)}
	}
	// The stored pixel (x, y) becomes pixel at0 + y·dy + x·dx.
	width, height := turned.width, turned.height
	at0, dx, dy := 0, 1, width
	switch orientation {
	case 2: // mirrored left to right
		at0, dx = width-1, -1
	case 3: // half a turn
		at0, dx, dy = width*height-1, -1, -width
	case 4: // mirrored top to bottom
		at0, dy = width*(height-1), -width
	case 5: // transposed
		dx, dy = width, 1
	case 6: // turned clockwise
		at0, dx, dy = width-1, width, -1
	case 7: // transversed
		at0, dx, dy = width*height-1, -width, -1
	case 8: // turned counter-clockwise
		at0, dx, dy = width*(height-1), -width, 1
	}
	pix := make([]byte, 3*width*height+resample.Slack)
	const rows = 16
	for from := 0; from < p.height; from += rows {
		strip := p.strip(from, min(from+rows, p.height))
		for y := range strip.Height {
			row := strip.Pix[y*strip.Stride:][:3*p.width]
			at := at0 + (from+y)*dy
			for ; len(row) > 0; row = row[3:] {
				copy(pix[3*at:3*at+3], row)
				at += dx
			}
		}
	}
	turned.strip = func(from, to int) resample.Image {
		return resample.Image{Pix: pix[from*3*width:], Stride: 3 * width, Width: width, Height: to - from}
	}
	return turned
}
