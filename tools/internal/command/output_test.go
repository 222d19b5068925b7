package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMayReplace(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	symlink := func(name, to string) string {
		path := filepath.Join(dir, name)
		if err := os.Symlink(to, path); err != nil {
			t.Skip(err)
		}
		return path
	}
	const header = "\x08\x00\x00\x00\x00\x00\x00\x00"
	sheet, photo, model, weights := write("sheet.png", "\x89PNG\r\n\x1a\nrest"), write("a.jpg", "\xff\xd8\xff"), write("m.onnx", "\x08\x08\x12\x07alexnet"), write("w", header+"{}")
	linked := filepath.Join(dir, "link.png")
	if err := os.Link(sheet, linked); err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		path   string
		form   Form
		inputs []string
		want   string // in the refusal; "" for none
	}{
		{filepath.Join(dir, "new"), PNG, nil, ""},
		{write("empty", ""), PNG, nil, ""},
		{sheet, PNG, []string{photo}, ""},
		{photo, PNG, nil, "want a name that ends in .png: it becomes a PNG picture"},
		{filepath.Join(dir, "NEW.PNG"), PNG, nil, ""},
		{write("other.png", "\xff\xd8\xff"), PNG, nil, "isn't a PNG picture: give another name"},
		{filepath.Join(dir, "missing", "new.png"), PNG, nil, "there is no folder " + filepath.Join(dir, "missing") + ": make it"},
		{filepath.Join(photo, "new.png"), PNG, nil, "there is no folder " + photo},
		{sheet, PNG, []string{photo, sheet}, "is one of the inputs"},
		{linked, PNG, []string{sheet}, "is one of the inputs"},
		{model, ONNX, nil, ""},
		{weights, ONNX, nil, "isn't an ONNX model"},
		{weights, Safetensors, nil, ""},
		{weights, Safetensors, []string{weights}, "is one of the inputs"},
		{sheet, NPY, nil, "want a name that ends in .npy"},
		{dir, PNG, nil, "is a folder: give the name of a file"},
		{symlink("planted.png", photo), PNG, nil, "planted.png is a link, not a regular file: give another name"},
		{symlink("nowhere.png", filepath.Join(dir, "none")), PNG, nil, "nowhere.png is a link, not a regular file"},
		{filepath.Join(dir, strings.Repeat("n", 300)), PNG, nil, "too long"},
	} {
		err := MayReplace("--out", c.path, c.form, c.inputs...)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s as %s: got %v, want %q", c.path, c.form.Name, err, c.want)
		}
	}
}

// TestMayReplaceAll: two outputs of one command have two names.
func TestMayReplaceAll(t *testing.T) {
	dir := t.TempDir() + string(filepath.Separator)
	for want, outputs := range map[string][]Output{
		"":                              {{"--a", dir + "a", ONNX}, {"--b", dir + "b", ONNX}},
		"--a and --b are the same file": {{"--a", dir + "a", ONNX}, {"--c", dir + "c", ONNX}, {"--b", dir + "./x/../a", Safetensors}},
		"--b ":                          {{"--a", dir + "a", ONNX}, {"--b", dir + "none/b", ONNX}},
	} {
		if err := MayReplaceAll(outputs); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
