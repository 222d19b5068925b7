// Package shaders holds engine/vulkan's compute shaders: GLSL in source, one file for
// each op, and the SPIR-V that glslc makes of it, in spirv, which is embedded.
//
// Activations are stored in float32 or, in NAME.narrow.spv, in bfloat16. A shader
// with .subgroups needs a device that adds up subgroups by itself, one with .matrices a
// device that multiplies small matrices. The arguments of a
// shader are push constants: addresses of buffers, and numbers. Numbers that should
// be known when the pipeline is made are specialisation constants; constant 0 is the
// number of invocations of a workgroup.
//
// After a change of source, go generate (Debian: apt-get install glslc) compiles the
// shaders again. Those with .matrices want a newer compiler, Debian 13's; an older one
// leaves them as they are.
package shaders

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"sort"
	"strings"
)

//go:generate go run ./generate
//go:generate go run ./generate -matrices

//go:embed spirv
var compiled embed.FS

//go:embed source
var sources embed.FS

// Variant says how a shader is compiled.
type Variant struct {
	Narrow    bool // activations are stored in bfloat16
	Subgroups bool // subgroups add up their numbers by themselves
	Matrices  bool // subgroups multiply matrices of float16 by themselves
}

// Variants lists the variants of a shader: those with matrices, or the rest.
func Variants(source []byte, matrices bool) []Variant {
	all := []Variant{{}, {Narrow: true}}
	switch {
	case matrices && includes(source, "product.glsl"):
		all = []Variant{{Narrow: true, Matrices: true}}
	case matrices:
		all = nil
	case includes(source, "total.glsl"):
		all = append(all, Variant{Subgroups: true}, Variant{Narrow: true, Subgroups: true})
	}
	return all
}

func includes(source []byte, file string) bool {
	return bytes.Contains(source, []byte(`#include "`+file+`"`))
}

// file returns the file of a variant, or of a variant with fewer properties if they are
// equal.
func (v Variant) file(name string) string {
	if v.Narrow {
		name += ".narrow"
	}
	if v.Subgroups {
		name += ".subgroups"
	}
	if v.Matrices {
		name += ".matrices"
	}
	return "spirv/" + name + ".spv"
}

// Alike returns the variants that may be the same, v first.
func (v Variant) Alike() []Variant {
	return []Variant{v, {Narrow: v.Narrow, Matrices: v.Matrices}, {Narrow: v.Narrow, Subgroups: v.Subgroups},
		{Narrow: v.Narrow}, {Subgroups: v.Subgroups}, {}}
}

// Code returns the SPIR-V of a shader; nil if there is none of that name.
func Code(name string, v Variant) []byte {
	for _, like := range v.Alike() {
		if code, err := compiled.ReadFile(like.file(name)); err == nil {
			return code
		}
	}
	return nil
}

// File returns the file that generate writes for a variant.
func File(name string, v Variant) string { return v.file(name) }

// Instructions returns how many instructions the functions of a shader have in
// SPIR-V.
func Instructions(name string, v Variant) (n int) {
	const header, function, functionEnd, label, opcodes = 5, 54, 56, 248, 1 << 16
	code, inside := Code(name, v), false
	for at := 4 * header; at+4 <= len(code); {
		word := binary.LittleEndian.Uint32(code[at:])
		switch op := word % opcodes; {
		case op == function:
			inside = true
		case op == functionEnd:
			inside = false
		case inside && op != label:
			n++
		}
		at += 4 * int(max(1, word>>16))
	}
	return n
}

// Names lists the shaders.
func Names() (names []string) {
	entries, _ := compiled.ReadDir("spirv") // embedded, so it exists
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".spv"); ok && !strings.Contains(name, ".") {
			names = append(names, name)
		}
	}
	return names
}

// Stamp is the file of what Compiled returns.
func Stamp(matrices bool) string {
	if matrices {
		return "spirv/matrices.txt"
	}
	return "spirv/stamp.txt"
}

// Compiled returns the source's hash and the compiler from which the SPIR-V was made:
// that with matrices, or the rest.
func Compiled(matrices bool) (source, compiler string) {
	stamp, _ := compiled.ReadFile(Stamp(matrices))
	source, compiler, _ = strings.Cut(strings.TrimSpace(string(stamp)), "\n")
	return source, compiler
}

// Source returns the hash of the sources, or of those that matter to shaders with matrices.
func Source(matrices bool) string { return Hash(sources, matrices) }

// Hash returns the SHA-256 of the files below source, by name.
func Hash(files fs.FS, matrices bool) string {
	names, _ := fs.Glob(files, "source/*")
	sort.Strings(names)
	h := sha256.New()
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return err.Error() // never equals a hash
		}
		if matrices && strings.HasSuffix(name, ".comp") && Variants(b, true) == nil {
			continue
		}
		h.Write([]byte(name + "\n"))
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}
