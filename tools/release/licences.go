package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// licenceName matches the names of licence files.
var licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// licences returns the licences of the modules in the commands for a target, and of Go,
// whose runtime is in every program. Licences of a module's part count if the part is
// used. A module without a licence is an error.
func (t target) licences() (files []entry, err error) {
	const format = "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}\t{{$.Dir}}{{end}}{{end}}"
	list, err := output(t.plain(), "go", append([]string{"list", "-deps", "-tags", t.tags, "-f", format}, packages()...)...)
	if err != nil {
		return nil, err
	}
	root, err := output(nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	root = strings.TrimSpace(root)
	modules, seen := map[string]int{}, map[string]bool{}
	collect := func(module, top, dir string) error {
		if seen[dir] {
			return nil
		}
		seen[dir] = true
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(top, dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && licenceName.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" {
				files = append(files, entry{name: path.Join("licences", module, filepath.ToSlash(below), e.Name()), path: filepath.Join(dir, e.Name())})
				modules[module]++
			}
		}
		return nil
	}
	if err := collect("go", root, root); err != nil {
		return nil, err
	}
	if modules["go"] == 0 { // as in Debian
		files = append(files, entry{name: "licences/go/LICENSE", text: []byte("Go " + runtime.Version() + " is under the licence at https://go.dev/LICENSE.\n")})
	}
	for line := range strings.Lines(list) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if len(fields) != 3 {
			continue
		}
		module, top := fields[0], fields[1]
		for dir := fields[2]; ; dir = filepath.Dir(dir) {
			if err := collect(module, top, dir); err != nil {
				return nil, err
			}
			if dir == top {
				break
			}
		}
		modules[module] += 0
	}
	for module, n := range modules {
		if n == 0 && module != "go" {
			return nil, fmt.Errorf("module %s has no file with a licence", module)
		}
	}
	return files, nil
}
