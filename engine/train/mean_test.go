package train

import (
	"slices"
	"testing"
)

func TestMeanConstants(t *testing.T) {
	for text, want := range map[string][3]float32{"imagenet": {123.675, 116.28, 103.53}, "1,2,3": {1, 2, 3}} {
		s := Config{Mean: text}
		got, err := s.mean(t.Context(), nil, nil, 1)
		if err != nil || [3]float32(got) != want {
			t.Errorf("--mean %s: %v, %v", text, got, err)
		}
	}
	for text, ok := range map[string]bool{"channel": true, "image": true, "none": true, "half": true, "1,2,300": false, "mine": false} {
		s := Config{Mean: text}
		if err := s.checkMean(); (err == nil) != ok {
			t.Errorf("--mean %s: %v", text, err)
		}
	}
}

func TestCentreOfMeanPicture(t *testing.T) {
	picture := make([]float32, 4*4*3)
	for i := range picture {
		picture[i] = float32(i)
	}
	// Rows 1–2, columns 1–2 of a 4×4 picture: pixels 5, 6, 9, 10.
	want := []float32{15, 18, 27, 30, 16, 19, 28, 31, 17, 20, 29, 32}
	if got := centre(picture, 4, 2); !slices.Equal(got, want) {
		t.Errorf("centre %v, want %v", got, want)
	}
}
