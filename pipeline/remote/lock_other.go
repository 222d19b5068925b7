//go:build !unix

package remote

import "os"

// tryLock does nothing here: processes must not share a cache.
func tryLock(*os.File) (bool, error) { return true, nil }
