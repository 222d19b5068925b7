package source

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxRow is the largest row of a list, in bytes.
const maxRow = 1 << 20

var errRowTooLong = fmt.Errorf("the row has more than %d bytes: is a quote left open, or isn't this a list?", maxRow)

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

// rowLimit bounds the bytes of one row. Reset it before each row.
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
