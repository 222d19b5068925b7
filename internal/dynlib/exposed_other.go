//go:build !unix

package dynlib

import "io/fs"

// exposed accepts every file: these systems load no libraries.
func exposed(fs.FileInfo, bool) string { return "" }
