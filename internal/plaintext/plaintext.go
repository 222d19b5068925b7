// Package plaintext reads texts of any editor: UTF-8 with and without a byte order
// mark, and UTF-16 of Excel ("Unicode text") and of PowerShell's >.
package plaintext

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Mark is the byte order mark. Some editors and spreadsheets begin texts with it.
const Mark = "\ufeff"

var errUTF16 = errors.New("seems to be UTF-16 without a byte order mark: save it as UTF-8")

// NewReader returns a text as UTF-8, without a byte order mark.
func NewReader(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReader(r)
	start, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte(Mark)):
		b.Discard(len(Mark))
	case bytes.HasPrefix(start, []byte("\xff\xfe")):
		return bufio.NewReader(&fromUTF16{r: b, low: 0}), nil
	case bytes.HasPrefix(start, []byte("\xfe\xff")):
		return bufio.NewReader(&fromUTF16{r: b, low: 1}), nil
	case bytes.IndexByte(start, 0) >= 0:
		return nil, errUTF16
	}
	return b, nil
}

// Bytes is NewReader for a whole text.
func Bytes(text []byte) ([]byte, error) {
	r, err := NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// fromUTF16 reads UTF-16, with its byte order mark, as UTF-8.
type fromUTF16 struct {
	r       *bufio.Reader
	low     int    // index of a unit's low byte
	started bool   // the mark has been read
	out     []byte // not yet returned
	full    [utf8.UTFMax]byte
	err     error // the error that ended the reading
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
	if !f.started { // the byte order mark
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
