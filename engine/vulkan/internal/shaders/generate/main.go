// Command generate compiles the shaders to SPIR-V with glslc.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"alexnet/engine/vulkan/internal/shaders"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	if _, err := exec.LookPath("glslc"); err != nil {
		fmt.Fprintln(os.Stderr, "generate: the SPIR-V stays as it is: install glslc to compile it")
		return nil
	}
	old, err := filepath.Glob("spirv/*.spv")
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	files, err := filepath.Glob("source/*.comp")
	if err != nil {
		return err
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".comp")
		made := map[shaders.Variant][]byte{}
		for _, v := range shaders.Variants {
			code, err := shaders.Compile(file, v)
			if err != nil {
				return err
			}
			made[v] = code
			same := false // as what is found in its place
			for _, like := range v.Alike()[1:] {
				if other, ok := made[like]; ok && like != v && exists(shaders.File(name, like)) {
					same = bytes.Equal(code, other)
					break
				}
			}
			if same {
				continue
			}
			if err := os.WriteFile(shaders.File(name, v), code, 0o644); err != nil {
				return err
			}
		}
	}
	version, err := exec.Command("glslc", "--version").Output()
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(version), "\n")
	return os.WriteFile("spirv/stamp.txt", []byte(shaders.Hash(os.DirFS("."))+"\n"+first+"\n"), 0o644)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
