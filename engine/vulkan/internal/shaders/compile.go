package shaders

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// ErrNoMatrices says that glslc is too old for products of small matrices.
var ErrNoMatrices = errors.New("this glslc doesn't know GL_KHR_cooperative_matrix, Debian 13's does")

// Compile makes SPIR-V of a GLSL file with glslc, which has to be installed.
func Compile(file string, v Variant) ([]byte, error) {
	args := []string{"-O", "--target-env=vulkan1.2", file, "-o", "-"}
	if v.Narrow {
		args = append(args, "-DNARROW")
	}
	if v.Subgroups {
		args = append(args, "-DSUBGROUPS")
	}
	if v.Matrices {
		args = append(args, "-DMATRICES")
	}
	code, err := exec.Command("glslc", args...).Output()
	if e, ok := err.(*exec.ExitError); ok {
		if strings.Contains(string(e.Stderr), "extension not supported: GL_KHR_cooperative_matrix") {
			return nil, ErrNoMatrices
		}
		return nil, fmt.Errorf("glslc %s: %s", file, e.Stderr)
	}
	return code, err
}
