package augment

import (
	"errors"
	"strconv"
	"strings"
)

// jitter is the row of Jitter.
var jitter = Kind{
	Name:    "jitter",
	Usage:   "vary brightness, contrast and saturation of training pictures by factors within 1 ± `B,C,S`, such as 0.4,0.4,0.4; without it they stay unchanged",
	Example: "0.4,0.4,0.4",
	Parse:   parseJitter,
}

// Jitter changes a picture's brightness, contrast and saturation by random
// factors, in this order: each is uniform between 1−amount and 1+amount, and an
// amount of 0 leaves it out. Values are rounded and held to 0–255 after each.
type Jitter struct {
	Brightness, Contrast, Saturation float64 // amounts, 0 to 1
}

// Factors are one draw of a Jitter, in 16.16 fixed point: 1<<16 changes nothing.
type Factors struct{ Brightness, Contrast, Saturation int64 }

// Draw draws three numbers, those of amount 0 too.
func (j Jitter) Draw(s *Stream) Factors {
	draw := func(amount float64) int64 { return int64(65536 * (1 + float64(amount*(2*s.Float64()-1)))) }
	return Factors{draw(j.Brightness), draw(j.Contrast), draw(j.Saturation)}
}

// errJitter describes the syntax of a Jitter.
var errJitter = errors.New("want three amounts from 0 to 1: brightness, contrast, saturation")

// parseJitter reads three amounts with commas between.
func parseJitter(text string) (Augmentation, error) {
	words := strings.Split(text, ",")
	if len(words) != 3 {
		return nil, errJitter
	}
	var amounts [3]float64
	for i, word := range words {
		var err error
		if amounts[i], err = strconv.ParseFloat(strings.TrimSpace(word), 64); err != nil {
			return nil, errJitter
		}
	}
	return Jitter{amounts[0], amounts[1], amounts[2]}, nil
}

// Validate reports amounts that don't lie between 0 and 1.
func (j Jitter) Validate() error {
	for _, a := range []float64{j.Brightness, j.Contrast, j.Saturation} {
		if !(a >= 0 && a <= 1) {
			return errJitter
		}
	}
	return nil
}

// Paint draws factors and applies them.
func (j Jitter) Paint(s *Stream, p Picture) { j.Draw(s).Apply(p.RGB) }

// Apply changes RGB pixels in place: brightness scales every value; contrast
// scales its distance from the picture's mean grey; saturation scales its
// distance from the pixel's own grey. Grey is (77R + 150G + 29B)/256.
func (f Factors) Apply(rgb []byte) {
	if f.Brightness != 1<<16 {
		var table [256]byte
		for v := range table {
			table[v] = clamp16(int64(v) * f.Brightness)
		}
		for i, v := range rgb {
			rgb[i] = table[v]
		}
	}
	if f.Contrast != 1<<16 && len(rgb) >= 3 {
		sum := int64(0)
		for i := 0; i+3 <= len(rgb); i += 3 {
			sum += grey256(rgb[i:])
		}
		mean := sum * 256 / int64(len(rgb)/3) // 16.16
		var table [256]byte
		for v := range table {
			table[v] = clamp16(mean + (int64(v)<<16-mean)*f.Contrast>>16)
		}
		for i, v := range rgb {
			rgb[i] = table[v]
		}
	}
	if f.Saturation != 1<<16 {
		for i := 0; i+3 <= len(rgb); i += 3 {
			grey := grey256(rgb[i:]) << 8 // 16.16
			for c := i; c < i+3; c++ {
				rgb[c] = clamp16(grey + (int64(rgb[c])<<16-grey)*f.Saturation>>16)
			}
		}
	}
}

// grey256 is 256 times a pixel's grey.
func grey256(p []byte) int64 { return 77*int64(p[0]) + 150*int64(p[1]) + 29*int64(p[2]) }

// clamp16 rounds a 16.16 number and holds it to 0–255.
func clamp16(v int64) byte { return byte(min(255, max(0, (v+1<<15)>>16))) }
