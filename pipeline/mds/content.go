package mds

import (
	"io"
	"os"
)

// content is the bytes of a raw shard: mapped or in memory, or else read from
// its file piece by piece when they are looked at.
type content struct {
	data []byte   // nil: they are in file
	file *os.File // nil: they are in data
	size int64
}

// mapping maps files. Tests make it fail.
var mapping = mapFile

func inMemory(data []byte) content { return content{data: data, size: int64(len(data))} }

// at gives the bytes from one offset to another: a view of those in memory, a
// copy of those in the file.
func (c *content) at(from, to int64) ([]byte, error) {
	if c.file == nil {
		return c.data[from:to:to], nil
	}
	piece := make([]byte, to-from)
	if _, err := c.file.ReadAt(piece, from); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return piece, nil
}
