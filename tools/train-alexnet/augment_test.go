package main

import (
	"reflect"
	"testing"

	"alexnet/augment"
	"alexnet/pipeline"
)

func TestAugmentSettings(t *testing.T) {
	for _, c := range []struct {
		crop, jitter string
		want         pipeline.LoaderConfig
	}{
		{"", "", pipeline.LoaderConfig{}},
		{"random", "", pipeline.LoaderConfig{}},
		{"resized", "", pipeline.LoaderConfig{Resized: &augment.ResizedCrop{}}},
		{"resized:0.35", "0.4, 0.3,0", pipeline.LoaderConfig{
			Resized: &augment.ResizedCrop{MinArea: 0.35}, Jitter: &augment.Jitter{Brightness: 0.4, Contrast: 0.3}}},
	} {
		var got pipeline.LoaderConfig
		s := settings{Crop: c.crop, Jitter: c.jitter}
		if err := s.augment(&got); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q %q: %+v, %v", c.crop, c.jitter, got, err)
		}
	}
	for _, s := range []settings{{Crop: "centre"}, {Crop: "resized:0"}, {Crop: "resized:1.1"}, {Crop: "resized:x"}, {Crop: "resized:"}, {Jitter: "1"}, {Jitter: "1,2,0"}, {Jitter: "a,b,c"}, {Jitter: "0,0,0,0"}} {
		if s.checkAugment() == nil {
			t.Errorf("%q %q is accepted", s.Crop, s.Jitter)
		}
	}
}

func TestMeanConstants(t *testing.T) {
	for text, want := range map[string][3]float32{"imagenet": {123.675, 116.28, 103.53}, "1,2,3": {1, 2, 3}} {
		s := settings{Mean: text}
		got, err := s.mean(t.Context(), nil, nil, 1)
		if err != nil || [3]float32(got) != want {
			t.Errorf("--mean %s: %v, %v", text, got, err)
		}
	}
	for text, ok := range map[string]bool{"channel": true, "image": true, "none": true, "half": true, "1,2,300": false, "mine": false} {
		s := settings{Mean: text}
		if err := s.checkMean(); (err == nil) != ok {
			t.Errorf("--mean %s: %v", text, err)
		}
	}
}
