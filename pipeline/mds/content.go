package mds

import (
	"io"
	"os"
)

// content holds the bytes of a raw shard: mapped, in memory, or read from its file piece
// by piece on use.
type content struct {
	data []byte   // nil: the bytes are in file
	file *os.File // nil: the bytes are in data
	size int64
}

// mapping maps files. Tests replace it by a failure.
var mapping = mapFile

func inMemory(data []byte) content { return content{data: data, size: int64(len(data))} }

// at returns the bytes from one offset to another: a view of memory, or a copy from the
// file.
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
