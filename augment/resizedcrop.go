package augment

import "math"

// ResizedCrop draws rectangles of random area and shape, to be resized to the
// net's input (Szegedy and others, 2014; torchvision's RandomResizedCrop). The
// zero value has torchvision's limits.
type ResizedCrop struct {
	MinArea, MaxArea   float64 // parts of the picture, 0: 0.08 and 1
	MinRatio, MaxRatio float64 // width over height, 0: 3/4 and 4/3
}

// Rect is a part of a picture in whole pixels.
type Rect struct{ X, Y, Width, Height int }

// Draw draws a rectangle of a picture of size×size pixels: its area is uniform
// between the limits, the logarithm of its shape too, and every place that it
// fits is equally likely. After ten shapes that don't fit it is the whole
// picture.
func (c ResizedCrop) Draw(s *Stream, size int) Rect {
	c.defaults()
	lo, hi := portableLog(c.MinRatio), portableLog(c.MaxRatio)
	for range 10 {
		area := c.MinArea + float64((c.MaxArea-c.MinArea)*s.Float64())
		ratio := portableExp(lo + float64((hi-lo)*s.Float64()))
		width := int(math.RoundToEven(float64(size) * math.Sqrt(area*ratio)))
		height := int(math.RoundToEven(float64(size) * math.Sqrt(area/ratio)))
		if width >= 1 && height >= 1 && width <= size && height <= size {
			return Rect{s.IntN(size - width + 1), s.IntN(size - height + 1), width, height}
		}
	}
	return Rect{0, 0, size, size}
}

func (c *ResizedCrop) defaults() {
	for _, d := range []struct {
		p     *float64
		value float64
	}{{&c.MinArea, 0.08}, {&c.MaxArea, 1}, {&c.MinRatio, 3. / 4}, {&c.MaxRatio, 4. / 3}} {
		if *d.p == 0 {
			*d.p = d.value
		}
	}
}

// Valid reports whether the limits are in order.
func (c ResizedCrop) Valid() bool {
	c.defaults()
	return c.MinArea > 0 && c.MinArea <= c.MaxArea && c.MaxArea <= 1 &&
		c.MinRatio > 0 && c.MinRatio <= c.MaxRatio && !math.IsInf(c.MaxRatio, 1)
}

// portableExp is eˣ for moderate x, the same on every machine: the series at
// x/64, squared six times.
func portableExp(x float64) float64 {
	x /= 64
	sum, term := 1.0, 1.0
	for n := 1; n <= 16; n++ {
		term = float64(term*x) / float64(n)
		sum += term
	}
	for range 6 {
		sum = float64(sum * sum)
	}
	return sum
}
