package printable

import (
	"fmt"
	"runtime"
	"strings"
	"unicode"
)

// ShellWord quotes a path for a shell. A path with characters that cannot be shown
// uses bash's own form.
func ShellWord(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		var b strings.Builder // bytes, since Go's own quotes would leave $ and ` alive in a shell
		for _, c := range []byte(path) {
			fmt.Fprintf(&b, "\\x%02x", c)
		}
		return "$'" + b.String() + "'"
	}
	if strings.ContainsFunc(path, func(r rune) bool {
		return !(r == '/' || r == '.' || r == '-' || r == '_' || r == ':' || r == '\\' && runtime.GOOS == "windows" || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
