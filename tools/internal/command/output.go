package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"alexnet/internal/file"
	"alexnet/internal/printable"
)

// Form recognises a kind of output file by its first bytes.
type Form struct {
	Name string // with its article: "a PNG picture"
	Is   func(head []byte) bool
	Ext  string // what its names must end in, if in anything; "" for any
}

// Forms of output files.
var (
	PNG  = Form{"a PNG picture", func(head []byte) bool { return bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")) }, ".png"}
	PCA  = Form{"a result of compute-pca", func(head []byte) bool { return bytes.Contains(head, []byte(`"eigenvalues"`)) }, ""}
	NPY  = Form{"a NumPy array", func(head []byte) bool { return bytes.HasPrefix(head, []byte("\x93NUMPY")) }, ".npy"}
	ONNX = Form{"an ONNX model", func(head []byte) bool { // its first field is ir_version
		return bytes.HasPrefix(head, []byte("\x08")) && !Safetensors.Is(head)
	}, ""}
	Script = Form{"a script of train-alexnet export", func(head []byte) bool { return bytes.HasPrefix(head, []byte("# Written by train-alexnet export")) }, ""}
	// A safetensors file begins with the length of a JSON object, and the object.
	Safetensors = Form{"a safetensors file", func(head []byte) bool { return len(head) > 8 && head[8] == '{' }, ""}
)

// formHead is the number of bytes that Form.Is gets.
const formHead = 64 << 10

// MayReplace refuses an output that can't be written, or whose name is probably a mistake:
// its folder isn't there or takes no files, it ends as another form does, or path is one of
// the inputs, no regular file, or a file of another form. An older output may be replaced.
// flag is the output's flag with its dashes. Commands call it before they work.
func MayReplace(flag, path string, form Form, inputs ...string) error {
	if ext := filepath.Ext(path); form.Ext != "" && ext != "" && !strings.EqualFold(ext, form.Ext) {
		return Usagef("%s %s: want a name that ends in %s: it becomes %s", flag, printable.Name(path), form.Ext, form.Name)
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return Usagef("%s %s: there is no folder %s: make it, or give another name", flag, printable.Name(path), printable.Name(dir))
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return Usagef("%s %s is a folder: give the name of a file", flag, printable.Name(path))
	}
	if err := file.Writable(path); err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Size() == 0 {
		return nil // the file holds nothing to lose
	}
	for _, in := range inputs {
		if other, err := os.Stat(in); err == nil && os.SameFile(info, other) {
			return Usagef("%s %s is one of the inputs: give another name", flag, printable.Name(path))
		}
	}
	f, err := file.Open(path)
	if err != nil {
		return Usagef("%s: %w", flag, err)
	}
	defer f.Close()
	head := make([]byte, min(formHead, info.Size()))
	n, _ := f.ReadAt(head, 0)
	if !form.Is(head[:n]) {
		return Usagef("%s %s exists and isn't %s: give another name, or remove it", flag, printable.Name(path), form.Name)
	}
	return nil
}

// Output is a file that a command will write.
type Output struct {
	Flag, Path string
	Form       Form
}

// MayReplaceAll is MayReplace for each output. It also refuses two with one name.
func MayReplaceAll(outputs []Output, inputs ...string) error {
	flags := map[string]string{}
	for _, o := range outputs {
		if other := flags[filepath.Clean(o.Path)]; other != "" {
			return Usagef("%s and %s are the same file, %s: give two names", other, o.Flag, printable.Name(o.Path))
		}
		flags[filepath.Clean(o.Path)] = o.Flag
		if err := MayReplace(o.Flag, o.Path, o.Form, inputs...); err != nil {
			return err
		}
	}
	return nil
}
