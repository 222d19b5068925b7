package augment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// erasing is the row of Erasing.
var erasing = Kind{
	Name: "erase",
	Usage: "with probability `P`, such as 0.25, cover a rectangle of a training picture with the mean colour; 0.25,fill=random covers it with random colours; " +
		"area=0.02:0.33 and ratio=0.3:3.3 set the range of its part of the picture and of its height over width; without it nothing is covered",
	Example: "0.5,fill=random",
	Parse:   parseErasing,
}

// Erasing covers a random rectangle of some pictures (Zhong and others, Random Erasing
// Data Augmentation, 2017). It draws as torchvision's RandomErasing does; limits of 0
// stand for torchvision's. It changes bytes, before the colour noise, so the noise is
// added to the rectangle too.
type Erasing struct {
	Probability        float64 // that a picture is changed, 0 to 1
	MinArea, MaxArea   float64 // parts of the picture, 0: 0.02 and 0.33
	MinRatio, MaxRatio float64 // height over width, 0: 0.3 and 3.3
	Random             bool    // cover with random bytes; otherwise with the training set's mean colour
}

// Draw draws whether a picture of size×size pixels is changed, and the rectangle. Its
// area and the logarithm of its ratio are uniform between the limits, and every place
// is equally likely. After ten rectangles that are as high or as wide as the picture,
// the picture stays unchanged.
func (e Erasing) Draw(s *Stream, size int) (r Rect, ok bool) {
	e.defaults()
	if s.Float64() >= e.Probability {
		return Rect{}, false
	}
	for range 10 {
		height, width := drawSides(s, size, e.MinArea, e.MaxArea, e.MinRatio, e.MaxRatio)
		if 0 <= width && width < size && 0 <= height && height < size {
			return Rect{s.IntN(size - width + 1), s.IntN(size - height + 1), width, height}, true
		}
	}
	return Rect{}, false
}

// Paint draws a rectangle and covers it. Random bytes are the stream's in
// little-endian order, row by row.
func (e Erasing) Paint(s *Stream, p Picture) {
	r, ok := e.Draw(s, p.Size)
	if !ok {
		return
	}
	var word [8]byte
	used := len(word)
	for y := r.Y; y < r.Y+r.Height; y++ {
		row := p.RGB[(y*p.Size+r.X)*3:][:r.Width*3]
		for i := range row {
			if !e.Random {
				row[i] = p.Mean[i%3]
				continue
			}
			if used == len(word) {
				binary.LittleEndian.PutUint64(word[:], s.Uint64())
				used = 0
			}
			row[i] = word[used]
			used++
		}
	}
}

func (e *Erasing) defaults() {
	for _, d := range []struct {
		p     *float64
		value float64
	}{{&e.MinArea, 0.02}, {&e.MaxArea, 0.33}, {&e.MinRatio, 0.3}, {&e.MaxRatio, 3.3}} {
		if *d.p == 0 {
			*d.p = d.value
		}
	}
}

// parseErasing reads a probability and options: 0.25,fill=random, area=MIN:MAX,
// ratio=MIN:MAX.
func parseErasing(text string) (Augmentation, error) {
	words := strings.Split(text, ",")
	var e Erasing
	var err error
	if e.Probability, err = strconv.ParseFloat(strings.TrimSpace(words[0]), 64); err != nil {
		return nil, errErasing
	}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		switch key {
		case "fill":
			e.Random = value == "random"
			if !e.Random && value != "mean" {
				return nil, errErasing
			}
		case "area":
			e.MinArea, e.MaxArea, err = parseLimits(value)
		case "ratio":
			e.MinRatio, e.MaxRatio, err = parseLimits(value)
		default:
			return nil, errErasing
		}
		if err != nil {
			return nil, errErasing
		}
	}
	return e, nil
}

var errErasing = errors.New("want a probability, and perhaps fill=mean or fill=random, area=MIN:MAX, ratio=MIN:MAX, separated by commas")

// parseLimits reads two numbers above 0 with a colon between.
func parseLimits(text string) (least, most float64, err error) {
	low, high, _ := strings.Cut(text, ":")
	if least, err = strconv.ParseFloat(low, 64); err == nil {
		most, err = strconv.ParseFloat(high, 64)
	}
	if err == nil && !(least > 0 && most > 0) {
		err = strconv.ErrRange
	}
	return least, most, err
}

// Validate reports a probability outside 0 to 1 and limits that are out of order.
func (e Erasing) Validate() error {
	e.defaults()
	switch {
	case !(e.Probability >= 0 && e.Probability <= 1):
		return fmt.Errorf("erasing with probability %v: want 0 to 1", e.Probability)
	case !(e.MinArea > 0 && e.MinArea <= e.MaxArea && e.MaxArea <= 1):
		return fmt.Errorf("erasing areas from %v to %v: want parts of the picture above 0 and up to 1, the least first", e.MinArea, e.MaxArea)
	case !(e.MinRatio > 0 && e.MinRatio <= e.MaxRatio && !math.IsInf(e.MaxRatio, 1)):
		return fmt.Errorf("erasing heights over widths from %v to %v: want ratios above 0, the least first", e.MinRatio, e.MaxRatio)
	}
	return nil
}
