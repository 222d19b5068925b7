package main

import (
	"fmt"
	"strconv"
	"strings"
)

// parseCount reads a number, or a share such as 1% or 0.01; "" is 0.
func parseCount(text string) (count int, share float64, err error) {
	if text == "" {
		return 0, 0, nil
	}
	if count, err = strconv.Atoi(text); err == nil && count > 0 {
		return count, 0, nil
	}
	number, percent := strings.CutSuffix(text, "%")
	share, err = strconv.ParseFloat(number, 64)
	if percent {
		share /= 100
	}
	if err != nil || !(share > 0 && share < 1) {
		return 0, 0, fmt.Errorf("%q is neither a number of pictures, 1 or more, nor a share below 1 such as 1%% or 0.01", text)
	}
	return 0, share, nil
}
