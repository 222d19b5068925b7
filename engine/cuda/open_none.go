//go:build nocuda

package cuda

import (
	"errors"

	"alexnet/engine/cuda/internal/gpu"
)

func openDevice(int) (gpu.Device, error) {
	return nil, errors.New("this build has no CUDA (tag nocuda)")
}
