// Command check-imports checks the import rules of docs/architecture.md: which
// packages of the module may import which others, and which may use which libraries.
// It also checks that libraries name no command-line flag.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// rule forbids packages under from, but not those under except, to import
// packages under any of not. Those of this module begin with "./".
type rule struct {
	from, why   string
	except, not []string
}

// joins lists the packages that combine pipeline and engine.
var joins = []string{"./engine/feed", "./engine/infer", "./engine/train"}

var rules = []rule{
	{from: "./augment", why: "augment is pure functions of pixels", not: []string{"./pipeline", "./engine", "./tools"}},
	{from: "./pipeline", why: "pipeline and engine meet in engine/train and engine/infer", not: []string{"./engine", "./tools"}},
	{from: "./engine", why: "engine and pipeline meet in engine/train and engine/infer", except: joins, not: []string{"./pipeline", "./augment"}},
	{from: "./engine", why: "libraries know no tools", not: []string{"./tools"}},
	{from: "./engine", why: "the engine knows no device: open them through engine/devices", except: []string{"./engine/devices", "./engine/cpu", "./engine/cuda", "./engine/vulkan"}, not: []string{"./engine/cpu", "./engine/cuda", "./engine/vulkan"}},
	{from: "./internal", why: "every room may use internal, which knows none", not: []string{"./pipeline", "./augment", "./engine", "./tools"}},
	{from: ".", why: "command lines live in tools", except: []string{"./tools"}, not: []string{"github.com/urfave/cli"}},
	{from: ".", why: "compression lives in pipeline", except: []string{"./pipeline", "./tools/release"}, not: []string{"github.com/klauspost/compress", "compress"}},
	{from: ".", why: "object stores are pipeline/remote's", except: []string{"./pipeline/remote"}, not: []string{"github.com/minio", "golang.org/x/oauth2"}},
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "check-imports:", err)
		os.Exit(1)
	}
}

func run(stdout io.Writer) error {
	name, err := exec.Command("go", "list", "-m").Output()
	if err != nil {
		return fmt.Errorf("go list -m: %w", err)
	}
	module := strings.TrimSpace(string(name))
	list, err := exec.Command("go", "list", "-json=ImportPath,Imports,Dir,GoFiles", "./...").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	packages, broken := 0, 0
	for d := json.NewDecoder(bytes.NewReader(list)); ; {
		var p struct {
			ImportPath, Dir  string
			Imports, GoFiles []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		packages++
		for i := range p.Imports {
			p.Imports[i] = local(p.Imports[i], module)
		}
		complaints, err := checkStrings(local(p.ImportPath, module), p.Dir, p.GoFiles)
		if err != nil {
			return err
		}
		for _, complaint := range append(check(local(p.ImportPath, module), p.Imports), complaints...) {
			broken++
			fmt.Fprintln(stdout, complaint)
		}
	}
	if broken > 0 {
		return fmt.Errorf("the rules are broken %d times", broken)
	}
	fmt.Fprintf(stdout, "import rules hold in %d packages\n", packages)
	return nil
}

// check returns a complaint for every import of pkg that a rule forbids.
func check(pkg string, imports []string) []string {
	var complaints []string
	for _, r := range rules {
		if !under(pkg, r.from) || underAny(pkg, r.except) {
			continue
		}
		for _, i := range imports {
			if underAny(i, r.not) {
				complaints = append(complaints, fmt.Sprintf("%s imports %s: %s", pkg, i, r.why))
			}
		}
	}
	return complaints
}

// local returns an import path of the module in the form of the rules: "./engine".
func local(path, module string) string {
	if rest, ok := strings.CutPrefix(path, module); ok && (rest == "" || rest[0] == '/') {
		return "." + rest
	}
	return path
}

func under(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

func underAny(path string, roots []string) bool {
	for _, r := range roots {
		if under(path, r) {
			return true
		}
	}
	return false
}
