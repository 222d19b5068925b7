// Command rename gives the module another path, such as that of the repository from
// which Go will fetch it:
//
//	go run ./tools/rename example.org/you/alexnet
//
// It changes go.mod and the other module files with the path, and every string in Go
// code, and in the Go code of documents, that is a package of the module.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: rename MODULE, such as example.org/you/alexnet")
		os.Exit(2)
	}
	if err := run(".", os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "rename:", err)
		os.Exit(1)
	}
}

// run renames the module whose root is a folder.
func run(root, to string) error {
	name := exec.Command("go", "list", "-m")
	name.Dir = root
	out, err := name.Output()
	if err != nil {
		return fmt.Errorf("go list -m: %w", err)
	}
	r := &renamer{root: root, from: strings.TrimSpace(string(out)), to: to}
	if r.from == to {
		return nil
	}
	// go mod edit refuses paths that can't be a module's, before any other change.
	edit := exec.Command("go", "mod", "edit", "-module", to)
	edit.Dir = root
	if text, err := edit.CombinedOutput(); err != nil {
		return errors.New(strings.TrimSpace(string(text)))
	}
	return filepath.WalkDir(root, r.visit)
}

type renamer struct{ root, from, to string }

func (r *renamer) visit(path string, d fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if d.IsDir() && path != r.root && (d.Name() == ".git" || d.Name() == "build") {
		return filepath.SkipDir
	}
	change := map[string]func([]byte) ([]byte, error){".go": r.code, ".md": r.document, ".mod": r.module}[filepath.Ext(path)]
	if !d.Type().IsRegular() || change == nil {
		return nil
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	after, err := change(before)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if bytes.Equal(before, after) {
		return nil
	}
	return os.WriteFile(path, after, 0o644)
}

// renamed is the new import path of a package of the module; ok is false for
// everything else.
func (r *renamer) renamed(path string) (_ string, ok bool) {
	rest, ok := strings.CutPrefix(path, r.from+"/")
	if !ok || !filepath.IsLocal(filepath.FromSlash(rest)) {
		return "", false
	}
	info, err := os.Stat(filepath.Join(r.root, filepath.FromSlash(rest)))
	return r.to + "/" + rest, err == nil && info.IsDir()
}

// code changes the strings of Go code and formats it, since imports are in alphabetical
// order.
func (r *renamer) code(text []byte) ([]byte, error) {
	var out bytes.Buffer
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	s.Init(file, text, nil, 0)
	done := 0
	for {
		pos, kind, literal := s.Scan()
		if kind == token.EOF {
			break
		}
		if kind != token.STRING {
			continue
		}
		path, err := strconv.Unquote(literal)
		if err != nil {
			continue // a file that doesn't compile, such as a test's
		}
		if to, ok := r.renamed(path); ok {
			at := file.Offset(pos)
			out.Write(text[done:at])
			out.WriteString(strconv.Quote(to))
			done = at + len(literal)
		}
	}
	if done == 0 {
		return text, nil
	}
	out.Write(text[done:])
	return format.Source(out.Bytes())
}

// quoted matches a string in a document's code that may be an import path.
var quoted = regexp.MustCompile(`"[\w./-]+"`)

func (r *renamer) document(text []byte) ([]byte, error) {
	return quoted.ReplaceAllFunc(text, func(literal []byte) []byte {
		if to, ok := r.renamed(strings.Trim(string(literal), `"`)); ok {
			return []byte(strconv.Quote(to))
		}
		return literal
	}), nil
}

// module changes the first line of a module file: of the module itself and of modules
// below it.
func (r *renamer) module(text []byte) ([]byte, error) {
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	path, ok := strings.CutPrefix(string(line), "module ")
	if to, below := strings.CutPrefix(path, r.from); ok && below && (to == "" || to[0] == '/') {
		return append([]byte("module "+r.to+to+"\n"), rest...), nil
	}
	return text, nil
}
