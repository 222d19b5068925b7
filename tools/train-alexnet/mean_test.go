package main

import "testing"

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
