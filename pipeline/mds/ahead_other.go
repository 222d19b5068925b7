//go:build !linux

package mds

import "os"

// On other systems only the system's own read-ahead is used.
func mapAhead([]byte, int64, int64)         {}
func mapExactly([]byte)                     {}
func mapResident([]byte, int64, int64) bool { return true }
func readAhead(*os.File, int64, int64)      {}
