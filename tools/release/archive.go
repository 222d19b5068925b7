package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// entry is a file of an archive.
type entry struct {
	name    string // with slashes
	path    string // of its file; otherwise the entry is text
	text    []byte
	program bool
}

func (e entry) read() ([]byte, error) {
	if e.path == "" {
		return e.text, nil
	}
	return os.ReadFile(e.path)
}

func (e entry) mode() os.FileMode {
	if e.program {
		return 0o755
	}
	return 0o644
}

// archive writes a .tar.gz or .zip in dir, with its files in a folder of the same name.
// Its bytes depend only on the files and the time.
func archive(dir, name string, zipped bool, files []entry, when time.Time) error {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	pack, ending := writeTar, ".tar.gz"
	if zipped {
		pack, ending = writeZip, ".zip"
	}
	f, err := os.Create(filepath.Join(dir, name+ending))
	if err != nil {
		return err
	}
	return errors.Join(pack(f, name+"/", files, when), f.Close())
}

func writeTar(w io.Writer, folder string, files []entry, when time.Time) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, e := range files {
		data, err := e.read()
		if err != nil {
			return err
		}
		h := &tar.Header{Name: folder + e.name, Mode: int64(e.mode()), Size: int64(len(data)), ModTime: when, Format: tar.FormatPAX}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(data); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}

func writeZip(w io.Writer, folder string, files []entry, when time.Time) error {
	z := zip.NewWriter(w)
	for _, e := range files {
		data, err := e.read()
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: folder + e.name, Method: zip.Deflate, Modified: when}
		h.SetMode(e.mode())
		part, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := part.Write(data); err != nil {
			return err
		}
	}
	return z.Close()
}
