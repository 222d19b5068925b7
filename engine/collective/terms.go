package collective

import (
	"crypto/sha256"
	"fmt"
)

// Terms are what all ranks of a job have to have in common, such as the command,
// its flags and what identifies its data. Ranks with other terms belong to another
// job, or to this one by mistake.
type Terms []Term

// Term is one of them. Both are printed where ranks differ.
type Term struct {
	Name  string // as people know it, such as a flag's
	Value string
}

// Hash is the same for the same terms only.
func (t Terms) Hash() [sha256.Size]byte {
	h := sha256.New()
	for _, term := range t {
		fmt.Fprintf(h, "%q=%q\n", term.Name, term.Value)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Differences says of each term that differs what it is here and there, in the order
// of t. There are none between terms of the same Hash.
func (t Terms) Differences(here string, other Terms, there string) (differences []string) {
	theirs := map[string]string{}
	for _, term := range other {
		theirs[term.Name] = term.Value
	}
	for _, term := range t {
		value, ok := theirs[term.Name]
		switch {
		case !ok:
			differences = append(differences, fmt.Sprintf("%s is %s on %s and unknown on %s", term.Name, shown(term.Value), here, there))
		case value != term.Value:
			differences = append(differences, fmt.Sprintf("%s is %s on %s and %s on %s", term.Name, shown(term.Value), here, shown(value), there))
		}
		delete(theirs, term.Name)
	}
	for _, term := range other {
		if _, ok := theirs[term.Name]; ok {
			differences = append(differences, fmt.Sprintf("%s is unknown on %s and %s on %s", term.Name, here, shown(term.Value), there))
		}
	}
	if differences == nil && t.Hash() != other.Hash() {
		differences = append(differences, "the order of the terms differs")
	}
	return differences
}

// longestShown bounds a value in messages, in bytes.
const longestShown = 120

// shown is a value as messages have it: what comes from another rank may be anything.
func shown(value string) string {
	if len(value) > longestShown {
		return fmt.Sprintf("%.*q…", longestShown, value)
	}
	return fmt.Sprintf("%q", value)
}

// TermsError says how the terms of two ranks differ.
type TermsError struct{ Differences []string }

func (e *TermsError) Error() string {
	text := "the ranks have not been started alike, or belong to different jobs: "
	for i, d := range e.Differences {
		if i > 0 {
			text += "; "
		}
		text += d
	}
	return text
}
