// Command check-imports holds the import rules of docs/architecture.md: who may
// import whom inside the module, and which rooms may use which libraries.
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
// packages under any of not.
type rule struct {
	from, why   string
	except, not []string
}

// joins are the rooms that bring pipeline and engine together.
var joins = []string{"alexnet/engine/feed", "alexnet/engine/infer", "alexnet/engine/train"}

var rules = []rule{
	{from: "alexnet/augment", why: "augment is pure functions of pixels", not: []string{"alexnet/pipeline", "alexnet/engine", "alexnet/tools"}},
	{from: "alexnet/pipeline", why: "pipeline and engine meet in engine/train and engine/infer", not: []string{"alexnet/engine", "alexnet/tools"}},
	{from: "alexnet/engine", why: "engine and pipeline meet in engine/train and engine/infer", except: joins, not: []string{"alexnet/pipeline", "alexnet/augment"}},
	{from: "alexnet/engine", why: "libraries know no tools", not: []string{"alexnet/tools"}},
	{from: "alexnet/engine", why: "the engine knows no device: open them through engine/devices", except: []string{"alexnet/engine/devices", "alexnet/engine/cpu", "alexnet/engine/cuda"}, not: []string{"alexnet/engine/cpu", "alexnet/engine/cuda"}},
	{from: "alexnet/internal", why: "every room may use internal, which knows none", not: []string{"alexnet/pipeline", "alexnet/augment", "alexnet/engine", "alexnet/tools"}},
	{from: "alexnet", why: "command lines live in tools", except: []string{"alexnet/tools"}, not: []string{"github.com/urfave/cli"}},
	{from: "alexnet", why: "compression lives in pipeline", except: []string{"alexnet/pipeline", "alexnet/tools/release"}, not: []string{"github.com/klauspost/compress", "compress"}},
	{from: "alexnet", why: "object stores are pipeline/remote's", except: []string{"alexnet/pipeline/remote"}, not: []string{"github.com/minio", "golang.org/x/oauth2"}},
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "check-imports:", err)
		os.Exit(1)
	}
}

func run(stdout io.Writer) error {
	list, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	packages, broken := 0, 0
	for d := json.NewDecoder(bytes.NewReader(list)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		packages++
		for _, complaint := range check(p.ImportPath, p.Imports) {
			broken++
			fmt.Fprintln(stdout, complaint)
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d imports break the rules", broken)
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
