package synthetic

import (
	"image"
	"math"

	"alexnet/augment"
)

// domain gives other random numbers than other uses of the same seed.
const domain = 0x7072616374696365 // "practice", the first name of the set

// maxTurn is the largest rotation of a texture, in radians: 20°. With any rotation the
// set would be as hard as photographs for a small net; photographs have an upright
// direction, too.
const maxTurn = 20 * math.Pi / 180

// Picture renders picture number index of a class (an index into Classes). Its
// short side is 256 to 320 pixels, its long side up to 1.4 times that.
func Picture(seed uint64, class, index int) *image.RGBA {
	s := augment.NewStream(seed^domain, uint64(class), uint64(index))
	w, h := size(&s)
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	sc := newScene(&s, textures[class], w, h)
	for y := range h {
		for x := range w {
			sc.pixel(img.Pix[img.PixOffset(x, y):], int32(x), int32(y))
		}
	}
	return img
}

// square scales the centre of a picture down to size pixels a side. Each pixel is the
// mean of the pixels that it covers.
func square(m *image.RGBA, size int) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	side := min(w, h)
	left, top := (w-side)/2, (h-side)/2
	out := image.NewRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			var sum [4]int
			x0, x1, y0, y1 := x*side/size, (x+1)*side/size, y*side/size, (y+1)*side/size
			for v := y0; v < y1; v++ {
				for u := x0; u < x1; u++ {
					for c, value := range m.Pix[m.PixOffset(left+u, top+v):][:4] {
						sum[c] += int(value)
					}
				}
			}
			n := (x1 - x0) * (y1 - y0)
			for c := range sum {
				out.Pix[out.PixOffset(x, y)+c] = byte((sum[c] + n/2) / n)
			}
		}
	}
	return out
}

func size(s *augment.Stream) (w, h int) {
	w = 256 + s.IntN(65)
	h = w * (100 + s.IntN(41)) / 100
	if s.IntN(2) == 0 {
		return h, w
	}
	return w, h
}

// scene holds all random choices of one picture.
type scene struct {
	noise      augment.Stream
	inside     func(u, v int32) bool
	axes       [2][2]int32 // texture cells per pixel in x and y, of u and of v
	origin     [2]int32    // u and v at pixel (0, 0)
	colours    [2][3]int32
	background [2][3]int32 // at the top left and the bottom right
	w, h       int32
	outline    outline
	light      [2]int32 // brightness change across the picture, in 1/256
	grain      int32    // amplitude of the noise in grey levels
}

func newScene(s *augment.Stream, t texture, w, h int) *scene {
	sc := &scene{inside: t.inside, w: int32(w), h: int32(h)}

	// A cell is 30 to 56 pixels, turned by up to maxTurn and stretched by up to 1.25.
	period := 30 * math.Pow(56.0/30, s.Float64()) * t.cells
	stretch := math.Pow(1.25, 2*s.Float64()-1)
	sin, cos := math.Sincos(maxTurn * (2*s.Float64() - 1))
	fixed := func(v float64) int32 { return int32(math.Round(v * cell)) }
	sc.axes[0] = [2]int32{fixed(cos / period * stretch), fixed(sin / period * stretch)}
	sc.axes[1] = [2]int32{fixed(-sin / period / stretch), fixed(cos / period / stretch)}
	sc.origin = [2]int32{int32(s.IntN(64 * cell)), int32(s.IntN(64 * cell))}

	// Two colours that differ enough in brightness; either may be the lighter.
	for {
		sc.colours = [2][3]int32{colour(s), colour(s)}
		if d := brightness(sc.colours[0]) - brightness(sc.colours[1]); abs(d) >= 70 {
			break
		}
	}
	sc.background = [2][3]int32{colour(s), colour(s)}
	sc.outline = newOutline(s, w, h)
	sc.light = [2]int32{int32(s.IntN(129)) - 64, int32(s.IntN(129)) - 64}
	sc.grain = int32(s.IntN(17))
	sc.noise = *s
	return sc
}

func colour(s *augment.Stream) [3]int32 {
	return [3]int32{int32(s.IntN(256)), int32(s.IntN(256)), int32(s.IntN(256))}
}

func brightness(c [3]int32) int32 { return (299*c[0] + 587*c[1] + 114*c[2]) / 1000 }

// pixel overwrites pix[:4] with the pixel at (x, y): the mean of 2×2 points of the
// texture with light and noise, or the background outside the outline.
func (sc *scene) pixel(pix []byte, x, y int32) {
	var c [3]int32
	if sc.outline.holds(x, y) {
		n := int32(0)
		for i := range int32(4) {
			// Points at odd quarters of the pixel.
			qx, qy := 4*x+1+2*(i&1), 4*y+1+i&2
			u := sc.origin[0] + (sc.axes[0][0]*qx+sc.axes[0][1]*qy)>>2
			v := sc.origin[1] + (sc.axes[1][0]*qx+sc.axes[1][1]*qy)>>2
			if sc.inside(u, v) {
				n++
			}
		}
		for k := range c {
			c[k] = (n*sc.colours[0][k] + (4-n)*sc.colours[1][k]) >> 2
		}
	} else {
		far := (x*256/sc.w + y*256/sc.h) / 2
		for k := range c {
			c[k] = ((256-far)*sc.background[0][k] + far*sc.background[1][k]) >> 8
		}
	}
	light := 256 + sc.light[0]*(2*x-sc.w)/sc.w + sc.light[1]*(2*y-sc.h)/sc.h
	bits := sc.noise.Uint64()
	for k := range c {
		grain := (int32(bits>>(20*k)&0xffff) - 1<<15) * sc.grain >> 15
		pix[k] = byte(min(max(c[k]*light>>8+grain, 0), 255))
	}
	pix[3] = 255
}

// outline is the shape of the textured object: the overlap of a disc and a rotated square
// around the same point. It ranges from a disc to a square, with or without rounded
// corners.
type outline struct {
	x, y     int32 // centre in pixels
	radius2  int64 // of the disc
	sin, cos int32 // of the square, in 1/65536
	side     int32 // half of the square's side
}

// newOutline draws an object that fills 3/5 of the centre square or more.
func newOutline(s *augment.Stream, w, h int) outline {
	short := min(w, h)
	side := short * (32 + s.IntN(20)) / 100
	radius := side * (100 + s.IntN(42)) / 100
	sin, cos := math.Sincos(math.Pi / 2 * s.Float64())
	shift := func(n int) int32 { return int32(n/2 + (s.IntN(201)-100)*short*7/10000) }
	return outline{
		x: shift(w), y: shift(h),
		radius2: int64(radius) * int64(radius),
		sin:     int32(math.Round(sin * 65536)), cos: int32(math.Round(cos * 65536)),
		side: int32(side),
	}
}

func (o *outline) holds(x, y int32) bool {
	dx, dy := x-o.x, y-o.y
	if distance2(dx, dy) > o.radius2 {
		return false
	}
	across, along := dx*o.cos+dy*o.sin, dy*o.cos-dx*o.sin
	return max(abs(across), abs(along))>>16 <= o.side
}
