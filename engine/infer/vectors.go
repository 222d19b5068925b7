package infer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"alexnet/engine"
	"alexnet/internal/file"
	"alexnet/internal/printable"
)

// VectorFile writes a .npy file of float32 rows and a .txt file of the rows' names.
// Both appear under their own names when both are complete.
type VectorFile struct {
	Rows, Width int

	path      string // of the .npy
	vectors   *file.Pending
	names     *file.Pending
	out, list *bufio.Writer
}

// npyHeader is the length of the header that is reserved before the rows. The header
// states the number of rows, which is known at the end.
const npyHeader = 128

// namesPath is the path of the file of names.
func (v *VectorFile) namesPath() string { return strings.TrimSuffix(v.path, ".npy") + ".txt" }

// NewVectorFile begins a file at a path that ends in .npy, and one beside it that
// ends in .txt. If both exist, from an earlier call, they are replaced. A .txt
// without a .npy belongs to the user and stays: it is an error. The caller calls
// Abandon, which does nothing after Commit.
func NewVectorFile(path string) (*VectorFile, error) {
	v := &VectorFile{path: path}
	_, mine := os.Lstat(path)
	if _, err := os.Lstat(v.namesPath()); err == nil && mine != nil {
		return nil, fmt.Errorf("%s is there, without a %s that it belongs to, and would be replaced by the names: give another name",
			printable.Name(v.namesPath()), printable.Name(filepath.Base(path)))
	}
	var err error
	if v.vectors, err = file.Create(path); err != nil {
		return nil, err
	}
	if v.names, err = file.Create(v.namesPath()); err != nil {
		v.Abandon()
		return nil, err
	}
	v.out, v.list = bufio.NewWriterSize(v.vectors, 1<<20), bufio.NewWriter(v.names)
	_, err = v.out.Write(make([]byte, npyHeader))
	return v, err
}

// Add appends rows, one for each name. A value that isn't finite is an
// engine.ErrNoNumber.
func (v *VectorFile) Add(vectors []float32, names []string) error {
	v.Width = len(vectors) / len(names)
	for i, x := range vectors {
		if x-x != 0 {
			return fmt.Errorf("%s: %w", printable.Name(names[i/v.Width]), engine.ErrNoNumber)
		}
	}
	v.Rows += len(names)
	if err := binary.Write(v.out, binary.LittleEndian, vectors); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := fmt.Fprintln(v.list, strings.ReplaceAll(name, "\n", "\\n")); err != nil {
			return err
		}
	}
	return nil
}

// Commit writes the header and gives both files their names.
func (v *VectorFile) Commit() error {
	// NumPy's format 1.0: magic, version, u16 length of the text, text padded to
	// a multiple of 64 with a line feed at its end.
	text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", v.Rows, v.Width)
	head := fmt.Sprintf("\x93NUMPY\x01\x00%c%c%-*s\n", byte(npyHeader-10), 0, npyHeader-11, text)
	if err := errors.Join(v.out.Flush(), v.list.Flush()); err != nil {
		return err
	}
	if _, err := v.vectors.WriteAt([]byte(head), 0); err != nil {
		return err
	}
	return errors.Join(v.names.Commit(), v.vectors.Commit())
}

// Abandon removes the files that Commit has not named.
func (v *VectorFile) Abandon() {
	for _, f := range []*file.Pending{v.vectors, v.names} {
		if f != nil {
			f.Abort()
		}
	}
}
