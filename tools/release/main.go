// Command release builds the archives for download: the three commands for every
// system, with shell completions, manual pages, documents and the licences of
// everything linked in; an SBOM; and SHA256SUMS. The same commit and the same Go give
// the same bytes anywhere.
//
//	go run ./tools/release -out build/release
package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

var commands = []string{"prep-imagenet", "compute-pca", "train-alexnet"}

// target is the system of an archive.
type target struct{ os, arch, tags string }

var targets = []target{
	{"linux", "amd64", ""}, {"linux", "amd64", "static"},
	{"linux", "arm64", ""}, {"linux", "arm64", "static"},
	{"darwin", "amd64", ""}, {"darwin", "arm64", ""},
	{"windows", "amd64", ""}, {"windows", "arm64", ""},
}

func (t target) String() string {
	return strings.TrimSuffix(t.os+"-"+t.arch+"-"+t.tags, "-")
}

func main() {
	out := flag.String("out", filepath.Join("build", "release"), "`DIR` that receives the files; what it holds is removed")
	only := flag.String("only", "", "build for these `TARGETS` alone, such as linux-amd64-static,windows-amd64")
	flag.Parse()
	if err := run(*out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(out, only string) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	version, when, err := commit()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	shared, err := documents(temp)
	if err != nil {
		return err
	}
	for _, t := range chosen {
		fmt.Fprintln(os.Stderr, t)
		files, err := t.build(filepath.Join(temp, t.String()))
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		if err := archive(out, "alexnet-"+version+"-"+t.String(), t.os == "windows", append(files, shared...), when); err != nil {
			return err
		}
	}
	if err := sbom(filepath.Join(out, "alexnet-"+version+".cdx.json"), version, when, temp); err != nil {
		return err
	}
	return checksums(out)
}

func choose(only string) ([]target, error) {
	if only == "" {
		return targets, nil
	}
	var chosen []target
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(targets, func(t target) bool { return t.String() == name })
		if i < 0 {
			return nil, fmt.Errorf("-only %s: there are %v", name, targets)
		}
		chosen = append(chosen, targets[i])
	}
	return chosen, nil
}

// commit returns the version of the current commit, and its time, which all files get.
func commit() (version string, when time.Time, err error) {
	changes, err := output(nil, "git", "status", "--porcelain")
	if err != nil {
		return "", when, err
	}
	if changes != "" {
		return "", when, fmt.Errorf("a release is what a commit gives, and these files differ from it:\n%s", changes)
	}
	if version, err = output(nil, "git", "describe", "--tags", "--always", "--abbrev=12"); err != nil {
		return "", when, err
	}
	text, err := output(nil, "git", "log", "-1", "--format=%ct")
	if err != nil {
		return "", when, err
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return strings.TrimSpace(version), time.Unix(seconds, 0).UTC(), err
}

// plain returns the environment without the user's settings of Go that would change the
// programs.
func (t target) plain() []string {
	return []string{"GOOS=" + t.os, "GOARCH=" + t.arch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off"}
}

// compile makes the commands in dir.
func (t target) compile(dir string) error {
	args := []string{"build", "-buildvcs=true", "-trimpath", "-ldflags", "-s -w", "-tags", t.tags, "-o", dir + string(filepath.Separator)}
	_, err := output(t.plain(), "go", append(args, packages()...)...)
	return err
}

// build makes the commands in dir, and adds the licences of their modules.
func (t target) build(dir string) (files []entry, err error) {
	if err := t.compile(dir); err != nil {
		return nil, err
	}
	for _, name := range commands {
		if t.os == "windows" {
			name += ".exe"
		}
		files = append(files, entry{name: name, path: filepath.Join(dir, name), program: true})
	}
	found, err := t.licences()
	return append(files, found...), err
}

func packages() (all []string) {
	for _, c := range commands {
		all = append(all, "./tools/"+c)
	}
	return all
}

// documents returns the files of all archives. The commands write their completions and
// manual pages.
func documents(temp string) (files []entry, err error) {
	host := filepath.Join(temp, "host")
	here := target{runtime.GOOS, runtime.GOARCH, ""}
	if err := here.compile(host); err != nil {
		return nil, err
	}
	for _, name := range commands {
		for path, args := range map[string][]string{
			"man/" + name + ".1":                      {"manual"},
			"completions/bash/" + name:                {"completion", "bash"},
			"completions/zsh/_" + name:                {"completion", "zsh"},
			"completions/fish/" + name + ".fish":      {"completion", "fish"},
			"completions/powershell/" + name + ".ps1": {"completion", "powershell"},
		} {
			text, err := output(nil, filepath.Join(host, name), args...)
			if err != nil {
				return nil, err
			}
			files = append(files, entry{name: path, text: []byte(text)})
		}
	}
	listed, err := output(nil, "git", "ls-files", "-z", "LICENSE", "README.md", "docs")
	for path := range strings.SplitSeq(strings.Trim(listed, "\x00"), "\x00") {
		files = append(files, entry{name: path, path: filepath.FromSlash(path)})
	}
	return files, err
}

// output runs a program and returns its output; an error has its messages.
func output(environment []string, program string, args ...string) (string, error) {
	c := exec.Command(program, args...)
	c.Env = append(os.Environ(), environment...)
	var out, complaint bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaint
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out.String(), nil
}

// checksums writes SHA256SUMS for sha256sum -c.
func checksums(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), e.Name())
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(sums.String()), 0o666)
}
