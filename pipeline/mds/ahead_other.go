//go:build !linux

package mds

import "os"

// Elsewhere the system's own reading ahead has to do.
func mapAhead([]byte, int64, int64)         {}
func mapExactly([]byte)                     {}
func mapResident([]byte, int64, int64) bool { return true }
func readAhead(*os.File, int64, int64)      {}
