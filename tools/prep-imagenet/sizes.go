package main

import (
	"errors"
	"fmt"
	"math"
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

// byteUnits are the suffixes of parseBytes, longest first.
var byteUnits = []struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

// parseBytes reads a size such as 64MiB, 100MB or 65536.
func parseBytes(text string) (int64, error) {
	for _, u := range byteUnits {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/u.bytes {
			break
		}
		return n * u.bytes, nil
	}
	return 0, errors.New(strconv.Quote(text) + ` isn't a size: write it as "64MiB" or as a number of bytes`)
}

// humanBytes writes a size with three digits or so.
func humanBytes(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	case n < 10<<30:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d GiB", n>>30)
}
