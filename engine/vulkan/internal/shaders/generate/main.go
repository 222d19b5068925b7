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
		wide, err := shaders.Compile(file, false)
		if err != nil {
			return err
		}
		narrow, err := shaders.Compile(file, true)
		if err != nil {
			return err
		}
		if err := os.WriteFile("spirv/"+name+".spv", wide, 0o644); err != nil {
			return err
		}
		if !bytes.Equal(wide, narrow) {
			if err := os.WriteFile("spirv/"+name+".narrow.spv", narrow, 0o644); err != nil {
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
