package source

import (
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"alexnet/internal/printable"
)

// EncodeName returns a file's name as items, classes and shards hold it: as it
// is, if it is UTF-8. Each byte that isn't part of UTF-8 is written \xHH, with
// two lower-case digits, and so that no two names become one, a backslash that
// is followed by x and two such digits is written \x5c. DecodeName undoes it.
func EncodeName(name string) string {
	if utf8.ValidString(name) && !strings.Contains(name, `\x`) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		switch _, escape := escapedByte(name[i:]); {
		case r == utf8.RuneError && n == 1, escape:
			const digits = "0123456789abcdef"
			b.WriteString(`\x`)
			b.WriteByte(digits[name[i]>>4])
			b.WriteByte(digits[name[i]&15])
			n = 1
		default:
			b.WriteString(name[i : i+n])
		}
		i += n
	}
	return b.String()
}

// DecodeName returns the file's name that EncodeName was given. Only \x5c and
// \x80 to \xff stand for a byte: no name decodes to a slash or a NUL that it
// doesn't show.
func DecodeName(name string) string {
	if !strings.Contains(name, `\x`) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		if c, ok := escapedByte(name[i:]); ok && (c == '\\' || c >= 0x80) {
			b.WriteByte(c)
			i += len(`\xHH`)
			continue
		}
		b.WriteByte(name[i])
		i++
	}
	return b.String()
}

// escapedByte returns the byte that s begins with, if it begins with \xHH.
func escapedByte(s string) (byte, bool) {
	if len(s) < 4 || s[0] != '\\' || s[1] != 'x' || strings.ToLower(s[2:4]) != s[2:4] {
		return 0, false
	}
	v, err := strconv.ParseUint(s[2:4], 16, 8)
	return byte(v), err == nil
}

// show returns a name for a message.
func show(name string) string { return printable.Name(name) }

// localPath is the path of the picture or class name below root.
func localPath(root, name string) string {
	return filepath.Join(root, filepath.FromSlash(DecodeName(name)))
}
