// Command generate compiles the shaders to SPIR-V with glslc: those that multiply small
// matrices with -matrices, and the rest without.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"alexnet/engine/vulkan/internal/shaders"
)

func main() {
	err := run(slices.Contains(os.Args[1:], "-matrices"))
	if errors.Is(err, shaders.ErrNoMatrices) || errors.Is(err, exec.ErrNotFound) {
		fmt.Fprintln(os.Stderr, "generate: the SPIR-V stays as it is:", err)
		err = nil
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(matrices bool) error {
	version, err := exec.Command("glslc", "--version").Output()
	if err != nil {
		return err
	}
	files, err := compile(matrices)
	if err != nil {
		return err
	}
	old, err := filepath.Glob("spirv/*.spv")
	if err != nil {
		return err
	}
	for _, name := range old {
		if strings.Contains(name, ".matrices.") == matrices {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	first, _, _ := strings.Cut(string(version), "\n")
	files[shaders.Stamp(matrices)] = []byte(shaders.Hash(os.DirFS("."), matrices) + "\n" + first + "\n")
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// compile returns the files to write, except those that are unchanged.
func compile(matrices bool) (map[string][]byte, error) {
	sources, err := filepath.Glob("source/*.comp")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(filepath.Base(source), ".comp")
		for _, v := range shaders.Variants(text, matrices) {
			code, err := shaders.Compile(source, v)
			if err != nil {
				return nil, err
			}
			for _, like := range v.Alike()[1:] {
				if there, ok := files[shaders.File(name, like)]; ok {
					if bytes.Equal(code, there) {
						code = nil
					}
					break
				}
			}
			if code != nil {
				files[shaders.File(name, v)] = code
			}
		}
	}
	return files, nil
}
