package source

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// extent is where a picture lies: in which file, and from which byte on.
type extent struct {
	file         int32
	offset, size int64
}

// tars reads pictures out of uncompressed tar files, in place and at random. It
// holds no file open: that costs an open a picture, some microseconds, and
// allows any number of tars.
type tars struct {
	listing[extent]
	files []string
}

// Open opens a picture for reading and, as it is also an io.Seeker and an
// io.ReaderAt, for looking around.
func (s *tars) Open(it Item) (io.ReadCloser, error) {
	e, err := s.find(it)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(s.files[e.file])
	if err != nil {
		return nil, err
	}
	return tarred{io.NewSectionReader(f, e.offset, e.size), f}, nil
}

// tarred is the part of a tar file that is one picture.
type tarred struct {
	*io.SectionReader
	file *os.File
}

func (t tarred) Close() error { return t.file.Close() }

// member is a regular file in a tar: its name, cleaned, and its payload.
type member struct {
	name         string
	offset, size int64
}

// tarBlock is the unit of a tar. Two zero ones end it; one is enough for us.
const tarBlock = 512

// eachMember calls visit for every regular file of the tar in r[0:size], which
// name calls in messages. It reads headers, skips payloads, and holds one header
// at a time. A tar that is cut short, even between two members, is an error, and
// so are links, sparse files and names that lead out of the tar: passing over
// them would lose pictures in silence. Names that an operating system leaves
// behind are passed over.
func eachMember(ctx context.Context, name string, r io.ReaderAt, size int64, visit func(member) error) error {
	section := io.NewSectionReader(r, 0, size)
	archive := tar.NewReader(section)
	last, end := "its start", int64(0) // the last member, and where its blocks end
	for count := 0; ; count++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := archive.Next()
		here, _ := section.Seek(0, io.SeekCurrent)
		switch {
		case err == io.EOF && here < end+tarBlock || errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("%s: the tar is cut short after %s (%d members): the copy isn't complete, fetch it again", name, last, count)
		case err == io.EOF:
			return nil
		case err != nil && count == 0 && isGzip(r):
			return fmt.Errorf("%s: is compressed with gzip; pictures are read in place, so unpack it to a plain tar first (gunzip)", name)
		case err != nil && count == 0:
			return fmt.Errorf("%s: isn't a tar: %w", name, err)
		case err != nil:
			return fmt.Errorf("%s: the tar is damaged after %s (%d members): %w: fetch it again", name, last, count, err)
		}
		switch {
		case h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader:
			h.Size = 0 // folders may state one, but have no payload
		case h.Typeflag == tar.TypeGNUSparse || h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.map"] != "":
			return fmt.Errorf("%s: member %s is stored as a sparse file: make the tar again without --sparse", name, h.Name)
		case h.Typeflag != tar.TypeReg:
			return fmt.Errorf("%s: member %s is a link or another special file: make the tar again of plain files, with links followed (tar -h)", name, h.Name)
		case h.Size > size-here:
			return fmt.Errorf("%s: the tar is cut short in %s (%d members before it): the copy isn't complete, fetch it again", name, h.Name, count)
		}
		last, end = h.Name, here+h.Size
		end += -end & (tarBlock - 1)
		if h.Typeflag != tar.TypeReg {
			continue
		}
		clean := path.Clean(h.Name)
		if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
			return fmt.Errorf("%s: member %s leads out of the archive: make the tar again with relative names", name, h.Name)
		}
		if junk(path.Base(clean)) {
			continue
		}
		if err := visit(member{clean, here, h.Size}); err != nil {
			return err
		}
	}
}

// eachMemberOf is eachMember for a file.
func eachMemberOf(ctx context.Context, file string, visit func(f *os.File, m member) error) error {
	f, size, err := openFile(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return eachMember(ctx, file, f, size, func(m member) error { return visit(f, m) })
}

// isGzip reports whether r starts with gzip's mark.
func isGzip(r io.ReaderAt) bool {
	var mark [2]byte
	n, _ := r.ReadAt(mark[:], 0)
	return n == 2 && mark == [2]byte{0x1f, 0x8b}
}

// errEnough ends eachMember early.
var errEnough = errors.New("enough")

// firstMembers returns the names of the first n files of a tar.
func firstMembers(file string, n int) ([]string, error) {
	var names []string
	err := eachMemberOf(context.Background(), file, func(_ *os.File, m member) error {
		names = append(names, m.name)
		if len(names) == n {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return names, err
}
