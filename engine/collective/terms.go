package collective

import (
	"crypto/sha256"
	"fmt"
)

// Terms are the facts that all ranks of a job must have in common, such as the
// command, its flags and the identity of its data. A rank with other terms belongs to
// another job, or was started wrongly.
type Terms []Term

// Term is one such fact. Both fields are printed if ranks differ.
type Term struct {
	Name  string // for people, such as the name of a flag
	Value string
}

// Hash returns a hash of the terms. Different terms have different hashes.
func (t Terms) Hash() [sha256.Size]byte {
	h := sha256.New()
	for _, term := range t {
		fmt.Fprintf(h, "%q=%q\n", term.Name, term.Value)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Differences describes each term that differs, with both values, in the order of t.
// Terms with the same Hash have no differences.
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

// longestShown limits the length of a value in messages, in bytes.
const longestShown = 120

// shown returns a value for messages. A value from another rank may hold any bytes.
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
