//go:build !unix

package dynlib

import "io/fs"

// exposed can't tell on systems where nothing is loaded.
func exposed(fs.FileInfo, bool) string { return "" }
