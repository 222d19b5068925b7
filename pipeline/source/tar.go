package source

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// member is a regular file in a tar: its name, cleaned, and its payload.
type member struct {
	name         string // as EncodeName writes it
	offset, size int64
}

// tarBlock is the unit of a tar. Zero blocks end a tar.
const tarBlock = 512

// eachMember calls visit for every regular file of the tar in r[0:size], which messages
// call name. It reads headers in order, skips payloads, and holds one header at a time. A
// tar that is cut short, even between two members, is an error. So are links, sparse
// files and names that lead out of the tar, because skipping them would lose pictures
// silently. After an end mark another tar may follow, as in tars joined by cat; other
// data than zeros are an error. Hidden files are skipped and counted in seen.
func eachMember(ctx context.Context, name string, r io.ReaderAt, size int64, seen *notes, visit func(member) error) error {
	name = show(name)
	section := io.NewSectionReader(r, 0, size)
	archive := tar.NewReader(section)
	last, end := "its start", int64(0) // the last member, and the end of its blocks
	for count := 0; ; count++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := archive.Next()
		if err == io.EOF || errors.Is(err, tar.ErrHeader) {
			next, marked, err2 := skipZeros(ctx, r, end, size)
			switch {
			case err2 != nil && err2 != io.EOF:
				return readError(name, last, count, err2)
			case marked && err2 == io.EOF:
				return nil
			case marked: // another tar after the end mark
				if _, err := section.Seek(next, io.SeekStart); err != nil {
					return err
				}
				archive = tar.NewReader(section)
				if h, err = archive.Next(); err != nil {
					return fmt.Errorf("%s: behind the end of the tar, after %s (%d members), lies something that isn't a tar, at byte %d: "+
						"copy the archive again, or cut the rest off (truncate -s %[4]d)", name, last, count, next)
				}
			}
		}
		here, _ := section.Seek(0, io.SeekCurrent)
		switch {
		case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("%s: the tar is cut short after %s (%d members): the copy isn't complete, fetch it again", name, last, count)
		case err != nil && count == 0:
			return fmt.Errorf("%s: isn't a tar%s: %w", name, insteadOfTar(r), err)
		case err != nil:
			return readError(name, last, count, err)
		}
		shown := show(h.Name)
		switch {
		case h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader:
			h.Size = 0 // a folder's header may have a size, but no payload follows
		case h.Typeflag == tar.TypeGNUSparse || h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.map"] != "":
			return fmt.Errorf("%s: member %s is stored as a sparse file: make the tar again without --sparse", name, shown)
		case h.Typeflag != tar.TypeReg:
			return fmt.Errorf("%s: member %s is %s: make the tar again of plain files, with links followed (tar -h --hard-dereference)", name, shown, tarKind(h))
		case h.Size > size-here:
			return fmt.Errorf("%s: the tar is cut short in %s (%d members before it): the copy isn't complete, fetch it again", name, shown, count)
		}
		last, end = shown, here+h.Size
		end += -end & (tarBlock - 1)
		if h.Typeflag != tar.TypeReg {
			continue
		}
		clean := path.Clean(EncodeName(h.Name))
		if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
			return fmt.Errorf("%s: member %s leads out of the archive: make the tar again with relative names", name, shown)
		}
		if hiddenPath(clean) {
			seen.hidden.add(clean)
			continue
		}
		if err := visit(member{clean, here, h.Size}); err != nil {
			return err
		}
	}
}

// readError is the error for an unreadable tar.
func readError(name, last string, count int, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%s: the tar is damaged after %s (%d members): %w: fetch it again", name, last, count, err)
}

// skipZeros returns the first block from offset on that isn't zero, or io.EOF if there is
// none. marked reports whether zeros came before it.
func skipZeros(ctx context.Context, r io.ReaderAt, offset, size int64) (next int64, marked bool, err error) {
	b := make([]byte, 64<<10)
	for ; offset < size; offset += int64(len(b)) {
		if err := ctx.Err(); err != nil {
			return offset, marked, err
		}
		n, err := r.ReadAt(b[:min(int64(len(b)), size-offset)], offset)
		for i, c := range b[:n] {
			if c != 0 {
				return offset + int64(i&^(tarBlock-1)), marked || i >= tarBlock, nil
			}
		}
		marked = marked || n >= tarBlock
		if err != nil {
			return offset, marked, err
		}
	}
	return offset, marked, io.EOF
}

// tarKind names the kind of a member that isn't a regular file.
func tarKind(h *tar.Header) string {
	switch h.Typeflag {
	case tar.TypeSymlink:
		return "a link to " + show(h.Linkname)
	case tar.TypeLink:
		return "a hard link to " + show(h.Linkname)
	case tar.TypeChar, tar.TypeBlock:
		return "a device"
	case tar.TypeFifo:
		return "a named pipe"
	}
	return fmt.Sprintf("a special file (type %q)", h.Typeflag)
}

// hiddenPath reports whether a file or a folder around it is hidden. Paths in tars often
// begin with "./".
func hiddenPath(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if junk(part) {
			return true
		}
	}
	return false
}
