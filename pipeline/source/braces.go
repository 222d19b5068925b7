package source

import (
	"fmt"
	"strconv"
	"strings"
)

// maxExpanded bounds the names of a pattern; more are a typing mistake.
const maxExpanded = 1 << 20

// expandBraces expands the braces in a pattern as a shell does: {000..123} counts, with
// the zeros of its first number, and {a,b} lists. A pattern without braces expands to
// itself.
func expandBraces(pattern string) ([]string, error) {
	before, rest, found := strings.Cut(pattern, "{")
	if !found {
		return []string{pattern}, nil
	}
	inside, after, found := strings.Cut(rest, "}")
	if !found {
		return nil, fmt.Errorf("%s: a brace isn't closed; expected {000..123} or {a,b}", show(pattern))
	}
	middles, err := expandBrace(inside)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", show(pattern), err)
	}
	ends, err := expandBraces(after)
	if err != nil {
		return nil, err
	}
	if len(middles)*len(ends) > maxExpanded {
		return nil, fmt.Errorf("%s: means %d files: correct the pattern", show(pattern), len(middles)*len(ends))
	}
	all := make([]string, 0, len(middles)*len(ends))
	for _, m := range middles {
		for _, e := range ends {
			all = append(all, before+m+e)
		}
	}
	return all, nil
}

// expandBrace expands the text between two braces.
func expandBrace(inside string) ([]string, error) {
	from, to, found := strings.Cut(inside, "..")
	if !found {
		return strings.Split(inside, ","), nil
	}
	a, errA := strconv.ParseUint(from, 10, 32)
	b, errB := strconv.ParseUint(to, 10, 32)
	if errA != nil || errB != nil || b < a {
		return nil, fmt.Errorf("{%s} counts nothing; expected two numbers, the smaller one first", inside)
	}
	if b-a >= maxExpanded {
		return nil, fmt.Errorf("{%s} means %d files: correct the pattern", inside, b-a+1)
	}
	var all []string
	for n := a; n <= b; n++ {
		all = append(all, fmt.Sprintf("%0*d", len(from), n))
	}
	return all, nil
}
