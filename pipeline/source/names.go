package source

import (
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"alexnet/internal/printable"
)

// EncodeName returns a file's name as UTF-8, as items, classes and shards hold it. Each
// byte that isn't part of UTF-8 becomes \xHH, with two lower-case digits. A backslash
// before x and two such digits becomes \x5c, so that no two names become the same.
// Everything else stays as it is. DecodeName is the inverse.
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

// DecodeName is the inverse of EncodeName. It decodes only \x5c and \x80 to \xff, so
// that a decoded name has no slash and no NUL that the encoded name did not have.
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
