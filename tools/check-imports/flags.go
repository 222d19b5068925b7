package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// compilers lists packages that call compilers: their strings hold compiler options.
var compilers = []string{"./engine/cuda/internal/kernels", "./engine/vulkan/internal/shaders"}

// commandLines are files of libraries that print whole command lines for people.
var commandLines = []string{"./engine/train/pictures.go"}

// foreign lists options of other programs that errors recommend.
var foreign = []string{"--gpus all", "tar --sort=name", "tar again without --sparse", "tar -h --hard-dereference", "zstd -d --long=31"}

var flag = regexp.MustCompile(`(?:^|[^-\w])--[a-z][a-z-]*`)

// namesFlag returns the command-line flag in a string of a library, or "". A library does
// not know the flags of the commands that call it: it names settings by their keys
// (package setting).
func namesFlag(text string) string {
	for _, f := range foreign {
		text = strings.ReplaceAll(text, f, "")
	}
	return strings.TrimSpace(flag.FindString(text))
}

// checkStrings returns a complaint for every string with a flag in a library's files.
func checkStrings(pkg, dir string, files []string) (complaints []string, err error) {
	if underAny(pkg, []string{"./tools"}) || underAny(pkg, compilers) {
		return nil, nil
	}
	set := token.NewFileSet()
	for _, name := range files {
		if slices.Contains(commandLines, pkg+"/"+name) {
			continue
		}
		tree, err := parser.ParseFile(set, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(literal.Value); err == nil {
				if f := namesFlag(text); f != "" {
					complaints = append(complaints, fmt.Sprintf("%s names %s: libraries know no flags, setting.Name says them", set.Position(literal.Pos()), f))
				}
			}
			return true
		})
	}
	return complaints, nil
}
