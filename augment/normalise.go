package augment

import (
	"fmt"
	"strconv"
	"strings"
)

// Normalisation maps colours to a net's input: (colour − Mean) / Deviation,
// channel by channel, in 0–255 units.
type Normalisation struct {
	Mean, Deviation [3]float64 // R, G, B
}

// Normalisations that published nets were trained with.
var (
	// ImageNet is the normalisation of torchvision and most later nets: 0.485, 0.456,
	// 0.406 and 0.229, 0.224, 0.225 with colours from 0 to 1.
	ImageNet = Normalisation{[3]float64{123.675, 116.28, 103.53}, [3]float64{58.395, 57.12, 57.375}}
	// Half maps colours to −1 … 1, as for TensorFlow's nets.
	Half = Normalisation{[3]float64{127.5, 127.5, 127.5}, [3]float64{127.5, 127.5, 127.5}}
)

// normalisations are the names that ParseNormalisation knows.
var normalisations = map[string]Normalisation{"imagenet": ImageNet, "half": Half}

// ParseNormalisation reads imagenet, half, or a mean R,G,B in 0–255 units, whose
// deviation is 1.
func ParseNormalisation(text string) (Normalisation, error) {
	if n, ok := normalisations[text]; ok {
		return n, nil
	}
	n := Normalisation{Deviation: [3]float64{1, 1, 1}}
	words := strings.Split(text, ",")
	ok := len(words) == len(n.Mean)
	for i := 0; ok && i < len(words); i++ {
		v, err := strconv.ParseFloat(strings.TrimSpace(words[i]), 64)
		n.Mean[i], ok = v, err == nil && v >= 0 && v <= 255
	}
	if !ok {
		return Normalisation{}, fmt.Errorf("normalisation %q: want imagenet, half, or the mean R,G,B from 0 to 255", text)
	}
	return n, nil
}

// ChannelMean returns a net's mean: a picture of one colour, size pixels a side,
// channels first.
func ChannelMean(rgb [3]float64, size int) []float32 {
	mean := make([]float32, 3*size*size)
	for c := range rgb {
		plane := mean[c*size*size : (c+1)*size*size]
		for i := range plane {
			plane[i] = float32(rgb[c])
		}
	}
	return mean
}
