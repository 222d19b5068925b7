package commandtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Manifests fails if a file of docs/scale gives a command a flag that it does not
// have, or if a YAML file there cannot be read.
func Manifests(t *testing.T, name string, run func(ctx context.Context, args []string, stdout, stderr io.Writer) error) {
	t.Helper()
	var page bytes.Buffer
	if err := run(t.Context(), []string{name, "reference"}, &page, io.Discard); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join("..", "..", "docs", "scale", "*"))
	if err != nil {
		t.Fatal(err)
	}
	uses := 0
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(path) == ".yaml" {
			checkYAML(t, path, data)
		}
		for _, flag := range flagsOf(name, string(data)) {
			uses++
			if !regexp.MustCompile(flag + `([^a-z-]|$)`).Match(page.Bytes()) {
				t.Errorf("%s: %s has no flag %s", path, name, flag)
			}
		}
	}
	if uses == 0 {
		t.Errorf("no file of docs/scale uses %s", name)
	}
}

var flag = regexp.MustCompile(`--[a-z][a-z-]*`)

// flagsOf returns the flags after every mention of a command, up to the end of the
// command line: a line without a backslash at its end and without flags on the next.
func flagsOf(name, text string) (flags []string) {
	text = strings.NewReplacer("\\\n", " ", "]\n", " ").Replace(text)
	text = regexp.MustCompile(`\n\s+(args: |--)`).ReplaceAllString(text, " --")
	for _, line := range strings.Split(text, "\n") {
		if _, after, ok := strings.Cut(line, name+" "); ok {
			flags = append(flags, flag.FindAllString(after, -1)...)
		}
	}
	return flags
}

// versions are the API versions of the Kubernetes objects in manifests.
var versions = map[string]string{"Job": "batch/v1", "MPIJob": "kubeflow.org/v2beta1", "Service": "v1", "Secret": "v1"}

// checkYAML checks that Kubernetes would accept the documents.
func checkYAML(t *testing.T, path string, data []byte) {
	t.Helper()
	documents := yaml.NewDecoder(bytes.NewReader(data))
	for n := 0; ; n++ {
		var object struct {
			APIVersion string         `yaml:"apiVersion"`
			Kind       string         `yaml:"kind"`
			Metadata   map[string]any `yaml:"metadata"`
			Spec       map[string]any `yaml:"spec"`
			StringData map[string]any `yaml:"stringData"`
		}
		err := documents.Decode(&object)
		switch {
		case errors.Is(err, io.EOF) && n > 0:
			return
		case err != nil:
			t.Errorf("%s, document %d: %v", path, n, err)
			return
		case versions[object.Kind] == "" || versions[object.Kind] != object.APIVersion:
			t.Errorf("%s: kind %q of %q", path, object.Kind, object.APIVersion)
		case object.Metadata["name"] == nil || len(object.Spec)+len(object.StringData) == 0:
			t.Errorf("%s: %s without a name, or empty", path, object.Kind)
		}
	}
}
