// Package printable shows people's strings to people: names of files, classes
// and layers, a server's words, other programs' errors. Such a string may hold
// bytes that a terminal acts on or that forge a line of a log.
package printable

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Name is s as it is if each of its characters can be printed, else quoted and
// escaped as Go writes strings.
func Name(s string) string {
	if printable(s) {
		return s
	}
	return strconv.Quote(s)
}

// Names are the Name of each, joined by commas.
func Names(all []string) string {
	shown := make([]string, len(all))
	for i, s := range all {
		shown[i] = Name(s)
	}
	return strings.Join(shown, ", ")
}

func printable(s string) bool {
	for i, r := range s {
		if !strconv.IsPrint(r) || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return false
		}
	}
	return true
}
