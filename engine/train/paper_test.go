package train

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"alexnet/engine"
)

// TestPaperTable holds every value of docs/paper.md that names a field or a flag
// against the presets and the defaults.
func TestPaperTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/paper.md")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(Defaults())
	if err != nil {
		t.Fatal(err)
	}
	var flags map[string]any
	if err := json.Unmarshal(raw, &flags); err != nil {
		t.Fatal(err)
	}
	nets := []string{"alexnet", "alexnet-145"}
	path, held := regexp.MustCompile("^`(--[a-z-]+|after [a-z0-9]+|[a-z0-9_]+( [0-9])?(\\.[a-z_]+)?)`$"), 0
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 9 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		what, field, want := cells[1], cells[4], cells[5:7]
		if !path.MatchString(field) || want[0] == "" {
			continue
		}
		field = strings.Trim(field, "`")
		for i, net := range nets {
			held++
			var got string
			if name, ok := strings.CutPrefix(field, "--"); ok {
				value, ok := flags[name]
				if !ok {
					t.Errorf("%s: there is no flag %s", what, field)
				}
				got = written(value)
			} else {
				got = netValue(t, net, field)
			}
			if got != want[i] {
				t.Errorf("%s: %s of %s is %q, the page says %q", what, field, net, got, want[i])
			}
		}
	}
	if held < 100 {
		t.Errorf("%d values held, want those of the page", held)
	}
}

// written formats a value as the page does.
func written(v any) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return v.(string)
}

// netValue reads a preset by a path: "towers", "input.size", "conv1.maps" of the layer
// of that name, "lrn.k" of the first layer of a kind, "lrn 3.k" of the third, or
// "after conv1", the kinds of layers up to the next with weights.
func netValue(t *testing.T, net, path string) string {
	t.Helper()
	n, err := engine.Preset(net, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if name, ok := strings.CutPrefix(path, "after "); ok {
		var kinds []string
		behind := false
		for _, l := range n.Layers {
			if l.Weighted() {
				behind = l.Name == name
			} else if behind {
				kinds = append(kinds, l.Kind())
			}
		}
		return strings.Join(kinds, " ")
	}
	var whole map[string]any
	if err := json.Unmarshal(n.JSON(), &whole); err != nil {
		t.Fatal(err)
	}
	of, field, ok := strings.Cut(path, ".")
	if !ok {
		return written(whole[path])
	}
	if of == "input" {
		v := whole["input"].(map[string]any)[field]
		if v == nil {
			v = 1.0 // a factor that is left out
		}
		return written(v)
	}
	of, number, _ := strings.Cut(of, " ")
	skip, _ := strconv.Atoi(number)
	for _, l := range whole["layers"].([]any) {
		layer := l.(map[string]any)
		for kind, spec := range layer {
			fields, ok := spec.(map[string]any)
			if !ok || kind != of && layer["name"] != of {
				continue
			}
			if skip--; skip > 0 {
				continue
			}
			v := fields[field]
			if v == nil && field == "reads" {
				v = "all"
			}
			return written(v)
		}
	}
	return "–"
}
