package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Lists come from many programs: in UTF-8 with and without a byte order mark, and
// in UTF-16 from Excel ("Unicode text") and from PowerShell's >.

// maxRow is the largest row of a list, in bytes.
const maxRow = 1 << 20

var (
	errRowTooLong = fmt.Errorf("the row has more than %d bytes: is a quote left open, or isn't this a list?", maxRow)
	errUTF16      = errors.New("seems to be UTF-16 without a byte order mark: save it as UTF-8")
)

// textReader returns a list's text as UTF-8, without a byte order mark.
func textReader(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReader(r)
	start, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte(byteOrderMark)):
		b.Discard(len(byteOrderMark))
	case bytes.HasPrefix(start, []byte("\xff\xfe")):
		return bufio.NewReader(&fromUTF16{r: b, low: 0}), nil
	case bytes.HasPrefix(start, []byte("\xfe\xff")):
		return bufio.NewReader(&fromUTF16{r: b, low: 1}), nil
	case bytes.IndexByte(start, 0) >= 0:
		return nil, errUTF16
	}
	return b, nil
}

// fromUTF16 reads UTF-16, with its byte order mark, as UTF-8.
type fromUTF16 struct {
	r       *bufio.Reader
	low     int    // which byte of a unit is the low one
	started bool   // the mark is read
	out     []byte // not yet given
	full    [utf8.UTFMax]byte
	err     error // that ended the reading
}

func (f *fromUTF16) unit() (rune, error) {
	var b [2]byte
	if _, err := io.ReadFull(f.r, b[:]); err != nil {
		if err == io.ErrUnexpectedEOF {
			err = errors.New("the UTF-16 text ends within a character")
		}
		return 0, err
	}
	return rune(b[f.low]) | rune(b[1-f.low])<<8, nil
}

func (f *fromUTF16) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(f.out) == 0 && f.err == nil {
			f.err = f.next()
		}
		if len(f.out) == 0 {
			return n, f.err
		}
		k := copy(p[n:], f.out)
		n, f.out = n+k, f.out[k:]
	}
	return n, nil
}

// next reads a character to out.
func (f *fromUTF16) next() error {
	c, err := f.unit()
	if err != nil {
		return err
	}
	if !f.started { // that was the mark
		f.started = true
		return f.next()
	}
	if utf16.IsSurrogate(c) {
		low, err := f.unit()
		if c = utf16.DecodeRune(c, low); c == utf8.RuneError || err != nil {
			return errors.New("the UTF-16 text holds half a character")
		}
	}
	f.out = utf8.AppendRune(f.full[:0], c)
	return nil
}

// checkText refuses text that isn't UTF-8, or that holds bytes that no list has.
func checkText(cells ...string) error {
	for _, c := range cells {
		for i, r := range c {
			if r == utf8.RuneError && !strings.HasPrefix(c[i:], "\ufffd") {
				return fmt.Errorf("isn't UTF-8 (byte 0x%x): if the file is Latin-1 or Windows-1252, convert it: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW", c[i])
			}
			if r == 0 {
				return errors.New("holds a byte that is zero: not a list of text")
			}
		}
	}
	return nil
}

// rowLimit bounds what a reader of rows takes for one row. It is to be reset
// before each.
type rowLimit struct {
	r    io.Reader
	left int
}

func (l *rowLimit) reset() { l.left = maxRow }

func (l *rowLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errRowTooLong
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
