//go:build !linux && !noasm

package bf16

import "errors"

func permitTiles() error { return errors.New("tiles are permitted on Linux alone") }
