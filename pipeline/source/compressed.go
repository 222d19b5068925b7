package source

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Pictures are read in any order, but a compressed stream only in its own. So a
// compressed tar is unpacked once to a temporary file, and read there like a plain tar.

// compression is a way in which tars are compressed.
type compression struct {
	name string
	mark string // first bytes of such a file
	open func(io.Reader) (r io.Reader, close func(), err error)
}

var compressions = []compression{
	{"gzip", "\x1f\x8b", openGzip},
	{"zstd", "\x28\xb5\x2f\xfd", openZstd},
	{"bzip2", "BZh", func(r io.Reader) (io.Reader, func(), error) {
		return bzip2.NewReader(bufio.NewReader(r)), func() {}, nil
	}},
}

// tarNames are the suffixes of tars' names, compressed ones included.
var tarNames = []string{".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.zstd", ".tzst", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".tar.lz4", ".tar.lz", ".tar.lzma", ".tar.z"}

// tarName reports whether a file is a tar by its name.
func tarName(p string) bool {
	p = strings.ToLower(path.Base(p))
	for _, end := range tarNames {
		if strings.HasSuffix(p, end) {
			return true
		}
	}
	return false
}

// compressionOf returns the compression of a file, nil if it is unknown or there is none.
func compressionOf(r io.ReaderAt) *compression {
	mark := make([]byte, 8)
	n, _ := r.ReadAt(mark, 0)
	for i := range compressions {
		if bytes.HasPrefix(mark[:n], []byte(compressions[i].mark)) {
			return &compressions[i]
		}
	}
	return nil
}

// otherArchives are other archives that people give in place of tars, with advice.
var otherArchives = []struct{ mark, name, todo string }{
	{"\xfd7zXZ\x00", "an xz file", "xz -d"},
	{"\x04\x22\x4d\x18", "an lz4 file", "lz4 -d"},
	{"\x5d\x00\x00", "an lzma file", "unlzma"},
	{"LZIP", "an lzip file", "lzip -d"},
	{"\x1f\x9d", "a file of compress", "uncompress"},
	{"PK", "a ZIP archive", "unzip"},
	{"7z\xbc\xaf", "a 7-Zip archive", "7z x"},
	{"Rar!", "a RAR archive", "unrar x"},
	{"PAR1", "a Parquet table", "the library that made it: save its pictures as files in class folders"},
	{"\x89HDF", "an HDF5 file", "the library that made it: save its pictures as files in class folders"},
	{"<", "a web page or XML", "a browser to see what it says: the download failed"},
}

// insteadOfTar returns what kind of file is in place of a tar, and what to do, or "".
func insteadOfTar(r io.ReaderAt) string {
	mark := make([]byte, 8)
	n, _ := r.ReadAt(mark, 0)
	for _, s := range otherArchives {
		if bytes.HasPrefix(mark[:n], []byte(s.mark)) {
			return fmt.Sprintf(" but %s: unpack it with %s", s.name, s.todo)
		}
	}
	return ""
}

// openGzip reads all members of a gzip file, and zeros after them.
func openGzip(r io.Reader) (io.Reader, func(), error) {
	b := bufio.NewReaderSize(r, 1<<16)
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, nil, err
	}
	z.Multistream(false)
	return &gzipMembers{b, z}, func() {}, nil
}

type gzipMembers struct {
	from *bufio.Reader
	z    *gzip.Reader
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if err != io.EOF || n > 0 {
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
		if next, err := g.from.Peek(1); err != nil || next[0] == 0 {
			return 0, g.onlyZeros()
		}
		if err := g.z.Reset(g.from); err != nil {
			return 0, fmt.Errorf("something that isn't gzip follows: %v", err)
		}
		g.z.Multistream(false)
	}
}

// onlyZeros reads to the end, and returns io.EOF if there are only zeros.
func (g *gzipMembers) onlyZeros() error {
	for {
		c, err := g.from.ReadByte()
		if err != nil {
			return err
		}
		if c != 0 {
			return errors.New("something that isn't gzip follows")
		}
	}
}

// maxZstdWindow is the default limit of zstd's own command.
const maxZstdWindow = 128 << 20

func openZstd(r io.Reader) (io.Reader, func(), error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderMaxMemory(1<<62))
	if err != nil {
		return nil, nil, err
	}
	return z, z.Close, nil
}

// unpackError describes what is wrong with a compressed file.
func unpackError(p string, err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: is cut short: the copy isn't complete, fetch it again", show(p))
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("%s: needs more than %d MiB of memory to unpack: unpack it first (zstd -d --long=31)", show(p), maxZstdWindow>>20)
	}
	return fmt.Errorf("%s: can't be unpacked: %w: the copy is damaged, fetch it again", show(p), err)
}

// spool is a temporary file with unpacked tars, one after the other. If the system allows
// it, the file has no name, and disappears with the process.
type spool struct {
	dir  string
	file *os.File
	size int64
}

// SpoolError reports an archive that couldn't be unpacked, because the temporary file
// has no folder or not enough space.
type SpoolError struct {
	Archive string // "" before the first
	Dir     string // of the temporary file
	Bytes   int64  // that were written
	Err     error
}

func (e *SpoolError) Error() string {
	if e.Archive == "" {
		return fmt.Sprintf("make a temporary file for unpacked archives in %s: %v: choose another folder", show(e.Dir), e.Err)
	}
	return fmt.Sprintf("%s: unpack it to a temporary file in %s: %v, after %d bytes: choose a folder with more room, or unpack the archive yourself",
		show(e.Archive), show(e.Dir), e.Err, e.Bytes)
}

func (e *SpoolError) Unwrap() error { return e.Err }

// newSpool makes a spool in dir, or in the system's folder for temporary files.
func newSpool(dir string) (*spool, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	f, err := os.CreateTemp(dir, ".unpacked-*.tmp")
	if err != nil {
		return nil, &SpoolError{Dir: dir, Err: cause(err)}
	}
	os.Remove(f.Name()) // fails on systems that keep the names of open files: close removes it there
	return &spool{dir: dir, file: f}, nil
}

func (s *spool) close() error {
	err := s.file.Close()
	os.Remove(s.file.Name())
	return err
}

// An archive of pictures, which are compressed already, doesn't unpack to many times its
// size. An archive that does was made to fill the disk.
const (
	maxExpansion  = 200
	freeExpansion = 1 << 30
)

// unpack appends the contents of a compressed file and returns their position.
func (s *spool) unpack(ctx context.Context, f *os.File, format *compression) (offset, size int64, err error) {
	offset = s.size
	packed := &counted{r: f}
	r, close, err := format.open(packed)
	if err != nil {
		return 0, 0, unpackError(f.Name(), err)
	}
	defer close()
	b := make([]byte, 1<<18)
	for {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		n, err := r.Read(b)
		if wrote, err := s.file.Write(b[:n]); err != nil {
			return 0, 0, &SpoolError{f.Name(), s.dir, s.size + int64(wrote), cause(err)}
		}
		s.size += int64(n)
		switch size := s.size - offset; {
		case err == io.EOF:
			return offset, size, nil
		case err != nil:
			return 0, 0, unpackError(f.Name(), err)
		case size > freeExpansion && size/maxExpansion > packed.n:
			return 0, 0, fmt.Errorf("%s: unpacks to more than %d times its size, as no archive of pictures does: look into it, and unpack it yourself if it is right", show(f.Name()), maxExpansion)
		}
	}
}

// counted counts the bytes that are read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
