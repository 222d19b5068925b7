//go:build !linux

package mds

import "os"

// Elsewhere the system's own reading ahead has to do.
func mapAhead([]byte, int64, int64)    {}
func readAhead(*os.File, int64, int64) {}
