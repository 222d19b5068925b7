package pipeline

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"alexnet/internal/file"
)

// tarExporter writes DIR/SPLIT-%06d.tar. A sample has three members, with its number as
// key: the picture, its label in .cls, and label, class and the picture's name in .json.
type tarExporter struct {
	dir, extension string
	per            int // samples of a tar
	meta           *Meta

	file *file.Pending // SPLIT-%06d.tar
	tar  *tar.Writer
	n    int // tars begun
}

// sampleJSON is a sample's .json.
type sampleJSON struct {
	Label int    `json:"label"`
	Class string `json:"class"`
	Name  string `json:"name"`
}

func (e *tarExporter) add(i int, s *Sample, picture []byte) error {
	if i%e.per == 0 {
		if err := e.next(); err != nil {
			return err
		}
	}
	about, err := json.Marshal(sampleJSON{s.Label, e.meta.Classes[s.Label].ID, s.Name})
	if err != nil {
		return err
	}
	key := fmt.Sprintf("%09d.", i)
	if err := e.member(key+"cls", strconv.AppendInt(nil, int64(s.Label), 10)); err != nil {
		return err
	}
	if err := e.member(key+e.extension, picture); err != nil {
		return err
	}
	return e.member(key+"json", about)
}

// member writes a file whose header depends on its name and data alone.
func (e *tarExporter) member(name string, data []byte) error {
	err := e.tar.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg,
		Name:     name,
		Size:     int64(len(data)),
		Mode:     0o444,
		ModTime:  time.Unix(0, 0),
		Format:   tar.FormatUSTAR,
	})
	if err != nil {
		return err
	}
	_, err = e.tar.Write(data)
	return err
}

// next ends a tar and begins another.
func (e *tarExporter) next() (err error) {
	if err := e.close(); err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%06d.tar", e.meta.Split, e.n)
	e.n++
	if e.file, err = file.Create(filepath.Join(e.dir, name)); err != nil {
		return err
	}
	e.tar = tar.NewWriter(e.file)
	return nil
}

// close ends a tar, which then gets its final name.
func (e *tarExporter) close() error {
	if e.file == nil {
		return nil
	}
	defer func() { e.file = nil }()
	defer e.file.Abort()
	if err := e.tar.Close(); err != nil {
		return err
	}
	return e.file.Commit()
}
