package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// extent is the position of a picture: the file, and the first byte in it.
type extent struct {
	file         int32
	offset, size int64
}

// tars reads pictures from tar files, in place and in any order; compressed tars are
// unpacked to the spool first. It opens a tar for each picture, which takes some
// microseconds and allows any number of tars.
type tars struct {
	listing[extent]
	files []tarFile
	spool *spool // nil: no file is compressed
	notes notes  // while the tars are listed
}

// tarFile is a tar on the disk or, if unpacked, in the spool.
type tarFile struct {
	path         string
	spooled      bool
	offset, size int64 // in the spool
}

// newTars returns the tars at paths, without listed pictures. It unpacks compressed ones.
func newTars(ctx context.Context, layout, p string, paths []string, opts *Options) (_ *tars, err error) {
	s := &tars{listing: listing[extent]{layout: layout, path: p}, files: make([]tarFile, len(paths))}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	for i, p := range paths {
		s.files[i].path = p
		f, _, err := openFile(p)
		if err != nil {
			return nil, err
		}
		format := compressionOf(f)
		if format == nil {
			f.Close()
			continue
		}
		if s.spool == nil {
			if s.spool, err = newSpool(opts.Spool); err == nil {
				opts.note("unpacking %s to a temporary file in %s, which will take the room of the unpacked archives; a plain tar is read in place", show(p), show(s.spool.dir))
			}
		}
		if err == nil {
			s.files[i].spooled = true
			s.files[i].offset, s.files[i].size, err = s.spool.unpack(ctx, f, format)
		}
		if f.Close(); err != nil {
			return nil, err
		}
	}
	if s.spool != nil {
		opts.note("unpacked %d bytes", s.spool.size)
	}
	return s, nil
}

// open opens the i-th tar. Extents count from offset.
func (s *tars) open(i int32) (r io.ReaderAt, size int64, close func() error, err error) {
	if f := &s.files[i]; f.spooled {
		return io.NewSectionReader(s.spool.file, f.offset, f.size), f.size, func() error { return nil }, nil
	}
	f, size, err := openFile(s.files[i].path)
	if err != nil {
		return nil, 0, nil, err
	}
	return f, size, f.Close, nil
}

// each is eachMember for the i-th tar.
func (s *tars) each(ctx context.Context, i int32, visit func(member) error) error {
	r, size, close, err := s.open(i)
	if err != nil {
		return err
	}
	defer close()
	return eachMember(ctx, s.files[i].path, r, size, &s.notes, visit)
}

// Open opens a picture for reading and, as it is also an io.Seeker and an
// io.ReaderAt, for looking around.
func (s *tars) Open(it Item) (io.ReadCloser, error) {
	e, err := s.find(it)
	if err != nil {
		return nil, err
	}
	if err := checkSize(e.size); err != nil {
		return nil, fmt.Errorf("its member of %s %w", show(s.files[e.file].path), err)
	}
	r, _, close, err := s.open(e.file)
	if err != nil {
		return nil, err
	}
	return tarred{io.NewSectionReader(r, e.offset, e.size), close}, nil
}

// tarred is one picture in a tar file.
type tarred struct {
	*io.SectionReader
	close func() error
}

func (t tarred) Close() error { return t.close() }

// Close frees the spool.
func (s *tars) Close() error {
	if s.spool == nil {
		return nil
	}
	return s.spool.close()
}

// errEnough ends eachMember early.
var errEnough = errors.New("enough")

// firstMembers calls visit for the members of the tar file p, compressed or not, until
// visit returns that it has enough.
func firstMembers(p string, visit func(name string) (enough bool)) error {
	f, size, err := openFile(p)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.ReaderAt = f
	if format := compressionOf(f); format != nil {
		unpacked, close, err := format.open(f)
		if err != nil {
			return unpackError(p, err)
		}
		defer close()
		r, size = &forward{r: unpacked}, 1<<62
	}
	err = eachMember(context.Background(), p, r, size, new(notes), func(m member) error {
		if visit(m.name) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// firstMember returns the name of a tar's first file, "" if it has none.
func firstMember(p string) (first string, err error) {
	err = firstMembers(p, func(name string) bool {
		first = name
		return true
	})
	return first, err
}

// forward is a stream as an io.ReaderAt that reads forward only, except for the last few
// blocks.
type forward struct {
	r    io.Reader
	here int64
	last []byte // the bytes before the current position
}

func (f *forward) ReadAt(p []byte, offset int64) (int, error) {
	again := 0
	if back := f.here - offset; back > int64(len(f.last)) {
		return 0, os.ErrInvalid
	} else if back > 0 {
		again = copy(p, f.last[int64(len(f.last))-back:])
	} else {
		n, err := io.CopyN(io.Discard, f.r, -back)
		f.here += n
		if err != nil {
			return 0, err
		}
		if n > 0 {
			f.last = f.last[:0]
		}
	}
	n, err := io.ReadFull(f.r, p[again:])
	f.here += int64(n)
	f.last = append(f.last, p[again:again+n]...)
	f.last = f.last[max(0, len(f.last)-4*tarBlock):]
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return again + n, err
}
