package rescale

import (
	"alexnet/pipeline/resample"
	"alexnet/pipeline/tiff"
)

const (
	orientationTag tiff.Tag = 0x0112 // 1 is upright, 2 to 8 are its mirrored and turned forms (EXIF 2.32, 4.6.4.A)
	xmpTag         tiff.Tag = 0x02bc
)

// orientation returns the orientation that a file asks for, 1…8: that of the
// first EXIF data that states one; without such, that of XMP; else 1.
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

// exifOrientation reads the tag from EXIF data, a TIFF structure, in whichever
// integer type. A value that isn't an orientation counts as 1, and data that can't
// be read as none.
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

// storedCentre returns resample.Centre of the upright picture, as it lies in the
// stored picture of width×height pixels. It can be off the centre by a pixel, to
// another side in each orientation.
func storedCentre(width, height, size, orientation int) resample.Window {
	if orientation < 5 {
		w := resample.Centre(width, height, size)
		return mirrored(w, width, height, orientation)
	}
	w := resample.Centre(height, width, size)
	w = resample.Window{X: w.Y, Y: w.X, Width: w.Height, Height: w.Width}
	return mirrored(w, width, height, orientation)
}

func mirrored(w resample.Window, width, height, orientation int) resample.Window {
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

// upright returns where the pixel that belongs at (x, y) of the upright n×n
// picture lies in the stored one, as the index at0 + y·dy + x·dx.
func upright(orientation, n int) (at0, dy, dx int) {
	last := n - 1
	switch orientation {
	case 2: // mirrored left to right
		return last, n, -1
	case 3: // half a turn
		return last*n + last, -n, -1
	case 4: // mirrored top to bottom
		return last * n, -n, 1
	case 5: // transposed
		return 0, 1, n
	case 6: // to be turned clockwise
		return last * n, 1, -n
	case 7: // transversed
		return last*n + last, -1, -n
	case 8: // to be turned counter-clockwise
		return last, -1, n
	}
	return 0, n, 1
}
