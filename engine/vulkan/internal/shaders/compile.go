package shaders

import (
	"fmt"
	"os/exec"
)

// Compile makes SPIR-V of a GLSL file with glslc, which has to be installed.
func Compile(file string, v Variant) ([]byte, error) {
	args := []string{"-O", "--target-env=vulkan1.2", file, "-o", "-"}
	if v.Narrow {
		args = append(args, "-DNARROW")
	}
	if v.Subgroups {
		args = append(args, "-DSUBGROUPS")
	}
	code, err := exec.Command("glslc", args...).Output()
	if e, ok := err.(*exec.ExitError); ok {
		return nil, fmt.Errorf("glslc %s: %s", file, e.Stderr)
	}
	return code, err
}
