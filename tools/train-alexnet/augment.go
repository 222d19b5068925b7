package main

import (
	"fmt"
	"strconv"
	"strings"

	"alexnet/augment"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// Values of --crop.
const (
	cropRandom  = "random"
	cropResized = "resized"
)

// checkAugment reports values of --crop and --jitter that make no sense.
func (s *settings) checkAugment() error {
	var c pipeline.LoaderConfig
	return s.augment(&c)
}

// augment sets what the paper doesn't do to its pictures.
func (s *settings) augment(c *pipeline.LoaderConfig) (err error) {
	if c.Resized, err = parseCrop(s.Crop); err != nil {
		return command.Usagef("--crop %s: %w", s.Crop, err)
	}
	if c.Jitter, err = parseJitter(s.Jitter); err != nil {
		return command.Usagef("--jitter %s: %w", s.Jitter, err)
	}
	return nil
}

// parseCrop reads random, "", resized or resized:MIN.
func parseCrop(text string) (*augment.ResizedCrop, error) {
	form, least, given := strings.Cut(text, ":")
	r := new(augment.ResizedCrop)
	switch {
	case text == cropRandom || text == "":
		return nil, nil
	case form == cropResized && !given:
		return r, nil
	case form == cropResized:
		var err error
		if r.MinArea, err = strconv.ParseFloat(least, 64); err == nil && r.MinArea > 0 && r.Valid() {
			return r, nil
		}
	}
	return nil, fmt.Errorf("want %s, %s, or %[2]s:MIN with a part of the picture above 0 and up to 1", cropRandom, cropResized)
}

// parseJitter reads three amounts; "" is none.
func parseJitter(text string) (*augment.Jitter, error) {
	if text == "" {
		return nil, nil
	}
	j := new(augment.Jitter)
	to := []*float64{&j.Brightness, &j.Contrast, &j.Saturation}
	words := strings.Split(text, ",")
	ok := len(words) == len(to)
	for i := 0; ok && i < len(to); i++ {
		var err error
		*to[i], err = strconv.ParseFloat(strings.TrimSpace(words[i]), 64)
		ok = err == nil
	}
	if !ok || !j.Valid() {
		return nil, fmt.Errorf("want three amounts from 0 to 1: brightness, contrast, saturation")
	}
	return j, nil
}

// noted prints on line what the user should know.
func noted(line *command.Line) func(text string) {
	return func(text string) { line.Print("note: %s", text) }
}
