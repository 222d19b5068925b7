package resample

import (
	"fmt"
	"math"
)

// Image is an RGB picture in memory: pixel (x, y) is the three bytes from
// Pix[y*Stride+3*x] on.
type Image struct {
	Pix           []byte
	Stride        int
	Width, Height int
}

// Box is a part of a picture, in pixels and fractions of them: pixel (x, y)
// covers x to x+1 and y to y+1.
type Box struct{ X, Y, Width, Height float64 }

// All is the window that holds a whole width×height picture.
func All(width, height int) Box { return Box{0, 0, float64(width), float64(height)} }

// Centre returns the window of a width×height picture that becomes its centre
// square of size×size when the short side is resized to size: exactly what
// torchvision's Resize(size) and CenterCrop(size) keep. They round the long side
// down to whole pixels, and the crop's corner to the nearest (even) one, and so
// the window may be off square and off centre by less than a pixel of the result.
func Centre(width, height, size int) Box {
	w, h := ScaledSize(width, height, size)
	x := math.RoundToEven(float64(w-size) / 2)
	y := math.RoundToEven(float64(h-size) / 2)
	sx, sy := float64(width)/float64(w), float64(height)/float64(h)
	return Box{x * sx, y * sy, float64(size) * sx, float64(size) * sy}
}

// ScaledSize returns the size of a width×height picture whose short side is
// resized to size, the long side rounded down as torchvision does.
func ScaledSize(width, height, size int) (w, h int) {
	if width <= height {
		return size, size * height / width
	}
	return size * width / height, size
}

// Resizer resizes pictures, one at a time: it keeps its scratch memory, so each
// goroutine has its own.
type Resizer struct {
	filter Filter
	taps   map[tapsKey]*taps // of the last sizes, for reuse
	line   []byte            // a copy of a source row that is too short for the kernel's reads
	rows   []byte            // the rows after the pass along x
	sums   []int32
	float  []float64
}

// New returns a Resizer that uses filter.
func New(filter Filter) *Resizer {
	if filter.Kernel == nil || filter.Support <= 0 {
		panic("resample: no filter")
	}
	return &Resizer{filter: filter, taps: map[tapsKey]*taps{}}
}

// A kernel may read overread bytes after the last tap's pixel, and write overwrite bytes
// after the last pixel.
const overread, overwrite = 4, 1

// Slack is a number of bytes. If memory has at least Slack bytes after a picture's last
// row, the row is read in place; otherwise it is copied first.
const Slack = overread

// Resize overwrites dst, height rows of width RGB pixels without gaps, with a
// window of src. The window lies in the picture. dst and src don't overlap.
func (r *Resizer) Resize(dst []byte, width, height int, src Image, window Box) {
	check(dst, width, height, src.Width, src.Height, window)
	checkImage(src)
	tx, ty := r.start(width, height, src.Width, src.Height, window)
	src.Pix = src.Pix[ty.lo*src.Stride:]
	src.Height -= ty.lo
	r.along(tx, ty, src, ty.lo)
	r.across(dst, width, height, ty)
}

// stripRows is the number of rows that ResizeStrips requests at a time. For photographs
// they are still in the cache when they are resized.
const stripRows = 16

// ResizeStrips is Resize for a picture of srcWidth×srcHeight pixels that is made a
// few rows at a time: strip returns rows from one up to another, which are valid
// until it is called again. It is called for the rows that matter, in order. With
// Slack bytes behind the last row, its Pix is read as it is.
func (r *Resizer) ResizeStrips(dst []byte, width, height, srcWidth, srcHeight int, strip func(from, to int) Image, window Box) {
	check(dst, width, height, srcWidth, srcHeight, window)
	tx, ty := r.start(width, height, srcWidth, srcHeight, window)
	for from, end := ty.lo, min(ty.hi, srcHeight); from < end; from += stripRows {
		src := strip(from, min(from+stripRows, end))
		checkImage(src)
		r.along(tx, ty, src, from)
	}
	r.across(dst, width, height, ty)
}

// start returns the taps of both axes, and allocates the rows between the two passes.
func (r *Resizer) start(width, height, srcWidth, srcHeight int, window Box) (tx, ty *taps) {
	tx = r.tapsOf(interval{window.X, window.Width, width, srcWidth}, xMultiple)
	ty = r.tapsOf(interval{window.Y, window.Height, height, srcHeight}, yMultiple)
	r.rows = grow(r.rows, (ty.hi-ty.lo)*3*width+overwrite)
	return tx, ty
}

// along resizes rows of src along x. The first one is row y of the picture. It resizes
// only rows that ty needs.
func (r *Resizer) along(tx, ty *taps, src Image, y int) {
	row := 3 * len(tx.first)
	from, to := 3*tx.lo, 3*tx.hi+overread
	out := r.rows[(y-ty.lo)*row:]
	at, bottom := 0, min(src.Height, ty.hi-y)
	for ; at+1 < bottom && (at+1)*src.Stride+to <= len(src.Pix); at += 2 {
		line0, line1 := src.Pix[at*src.Stride:][from:to], src.Pix[(at+1)*src.Stride:][from:to]
		horizontalPair(out[:row], out[row:][:row+overwrite], line0, line1, tx)
		out = out[2*row:]
	}
	for ; at < bottom; at++ {
		line := src.Pix[at*src.Stride:]
		if len(line) < to {
			r.line = grow(r.line, to)
			copy(r.line, line)
			line = r.line
		}
		horizontal(out[:row+overwrite], line[from:to], tx)
		out = out[row:]
	}
}

// across resizes the rows of the first pass along y.
func (r *Resizer) across(dst []byte, width, height int, ty *taps) {
	row := 3 * width
	for i := range height {
		weights := ty.weights[i*ty.n:][:ty.n]
		rows := r.rows[(int(ty.first[i])-ty.lo)*row:]
		r.vertical(dst[i*row:][:row], rows, weights, ty.bits)
	}
}

// tapsKey identifies taps of one filter.
type tapsKey struct {
	interval
	multiple int
}

// keptTaps is the most taps that a Resizer keeps; those of 256 outputs take some 10 kB.
const keptTaps = 128

// tapsOf returns the taps of an interval.
func (r *Resizer) tapsOf(in interval, multiple int) *taps {
	key := tapsKey{in, multiple}
	t := r.taps[key]
	if t == nil {
		if len(r.taps) == keptTaps {
			clear(r.taps)
		}
		t = &taps{float: r.float}
		t.set(r.filter, in, multiple)
		t.float, r.float = nil, t.float
		r.taps[key] = t
	}
	return t
}

// vertical overwrites out with the sums of the weights times the rows. Each row is as
// long as out.
func (r *Resizer) vertical(out, rows []byte, weights []int16, bits int) {
	done := verticalFast(out, rows, weights, bits)
	if done < len(out) {
		r.sums = grow(r.sums, len(out)-done)
		verticalGo(out[done:], r.sums, rows[done:], len(out), weights, bits)
	}
}

func check(dst []byte, width, height, srcWidth, srcHeight int, w Box) {
	const slack = 1e-6 // for rounding of floats
	switch {
	case width < 1 || height < 1 || len(dst) < 3*width*height:
		panic(fmt.Sprintf("resample: %d bytes for %d×%d pixels", len(dst), width, height))
	case !(w.Width > 0 && w.Height > 0 && w.X > -slack && w.Y > -slack &&
		w.X+w.Width < float64(srcWidth)+slack && w.Y+w.Height < float64(srcHeight)+slack):
		panic(fmt.Sprintf("resample: window %+v is not in a picture of %d×%d pixels", w, srcWidth, srcHeight))
	}
}

func checkImage(m Image) {
	if m.Width < 1 || m.Height < 1 || m.Stride < 3*m.Width || len(m.Pix) < m.Stride*(m.Height-1)+3*m.Width {
		panic(fmt.Sprintf("resample: %d bytes with stride %d hold no picture of %d×%d pixels", len(m.Pix), m.Stride, m.Width, m.Height))
	}
}
