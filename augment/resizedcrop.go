package augment

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// resizedCrop is the row of ResizedCrop.
var resizedCrop = Kind{
	Name:    "crop",
	Usage:   "`FORM` of training crops: random cuts them without resizing, as in the paper; resized cuts rectangles of 8 to 100 % of the picture and resizes them; resized:MIN does the same with at least MIN of the picture, such as resized:0.35",
	Default: "random",
	Example: "resized:0.35",
	Parse:   parseCrop,
}

// ResizedCrop draws rectangles of random area and shape, to be resized to the
// net's input (Szegedy and others, 2014; torchvision's RandomResizedCrop). The
// zero value has torchvision's limits.
type ResizedCrop struct {
	MinArea, MaxArea   float64 // parts of the picture, 0: 0.08 and 1
	MinRatio, MaxRatio float64 // width over height, 0: 3/4 and 4/3
}

// Rect is a part of a picture in whole pixels.
type Rect struct{ X, Y, Width, Height int }

// Draw draws a rectangle of a picture of size×size pixels. Its area and the logarithm
// of its ratio are uniform between the limits, and every place in which it fits is
// equally likely. After ten rectangles that don't fit, it returns the whole picture.
func (c ResizedCrop) Draw(s *Stream, size int) Rect {
	c.defaults()
	for range 10 {
		width, height := drawSides(s, size, c.MinArea, c.MaxArea, c.MinRatio, c.MaxRatio)
		if width >= 1 && height >= 1 && width <= size && height <= size {
			return Rect{s.IntN(size - width + 1), s.IntN(size - height + 1), width, height}
		}
	}
	return Rect{0, 0, size, size}
}

// drawSides draws the sides of a rectangle for a picture of size×size pixels: its
// part of the picture's area is uniform between the limits, and so is the
// logarithm of its width over its height. It may not fit the picture.
func drawSides(s *Stream, size int, minArea, maxArea, minRatio, maxRatio float64) (width, height int) {
	lo, hi := portableLog(minRatio), portableLog(maxRatio)
	area := minArea + float64((maxArea-minArea)*s.Float64())
	ratio := portableExp(lo + float64((hi-lo)*s.Float64()))
	width = int(math.RoundToEven(float64(size) * math.Sqrt(area*ratio)))
	height = int(math.RoundToEven(float64(size) * math.Sqrt(area/ratio)))
	return width, height
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

// parseCrop reads random, resized or resized:MIN.
func parseCrop(text string) (Augmentation, error) {
	form, least, limited := strings.Cut(text, ":")
	c := ResizedCrop{}
	ok := form == "resized"
	if ok && limited {
		var err error
		c.MinArea, err = strconv.ParseFloat(least, 64)
		ok = err == nil && c.MinArea > 0 && c.Validate() == nil
	}
	if !ok {
		return nil, errors.New("want random, resized, or resized:MIN with a part of the picture above 0 and up to 1")
	}
	return c, nil
}

// Validate reports limits that are out of order.
func (c ResizedCrop) Validate() error {
	c.defaults()
	if !(c.MinArea > 0 && c.MinArea <= c.MaxArea && c.MaxArea <= 1 &&
		c.MinRatio > 0 && c.MinRatio <= c.MaxRatio && !math.IsInf(c.MaxRatio, 1)) {
		return fmt.Errorf("resized crop %+v: want areas up to 1 and ratios above 0, the least before the largest", c)
	}
	return nil
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
