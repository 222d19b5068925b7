// Package setting makes errors and notes that speak of settings. A library names a
// setting by its key in JSON, such as batch 61. A command names the same setting by
// its flag, --batch 61.
package setting

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"alexnet/internal/printable"
)

// Words name settings for people.
type Words interface {
	// Name returns a setting's name: "--batch".
	Name(name string) string
	// Value returns a setting with its value: "--batch 61".
	Value(name string, value any) string
	// Given returns those of the settings that the user has given.
	Given(names []string) []string
}

// Text is a message with settings in it.
type Text struct {
	format string
	values []any
}

// Textf makes a text as fmt.Sprintf does. Name, Value and LeaveOut make values
// that stand for settings.
func Textf(format string, values ...any) Text { return Text{format, values} }

// Notef is Textf for a text that is printed directly: strings among the values are
// escaped (package printable).
func Notef(format string, values ...any) Text { return Text{format, printable.Values(values)} }

// In is the text in such words.
func (t Text) In(w Words) string {
	values := slices.Clone(t.values)
	for i, v := range values {
		switch v := v.(type) {
		case ref:
			values[i] = v(w)
		case Text:
			values[i] = v.In(w)
		case error:
			values[i] = In(v, w)
		}
	}
	return fmt.Errorf(t.format, values...).Error() // Errorf handles %w
}

// String returns the text with the settings' own names.
func (t Text) String() string { return t.In(plain{}) }

// ref is a setting in a text.
type ref func(Words) string

// Name stands for a setting by itself.
func Name(name string) any { return ref(func(w Words) string { return w.Name(name) }) }

// Value stands for a setting with its value.
func Value(name string, value any) any {
	return ref(func(w Words) string { return w.Value(name, value) })
}

// Suggest stands for a setting with a value that it might have.
func Suggest(name string, value any) any {
	return ref(func(w Words) string {
		if _, ok := w.(plain); ok {
			return w.Value(name, value)
		}
		return fmt.Sprintf("%s %v", w.Name(name), value)
	})
}

// LeaveOut advises to leave out those of the settings that were given: ": leave a and
// b out", or nothing.
func LeaveOut(names ...string) any {
	return ref(func(w Words) string {
		given := slices.Clone(w.Given(names))
		if len(given) == 0 {
			return ""
		}
		for i, name := range given {
			given[i] = w.Name(name)
		}
		return ": leave " + Enumerate(given) + " out"
	})
}

// All stands for several settings: "a, b and c".
func All(settings ...any) any {
	return ref(func(w Words) string {
		var words []string
		for _, s := range settings {
			words = append(words, s.(ref)(w))
		}
		return Enumerate(words)
	})
}

// Together stands for several settings to paste: "a 1 b 2".
func Together(settings ...any) any {
	return ref(func(w Words) string {
		var words []string
		for _, s := range settings {
			words = append(words, s.(ref)(w))
		}
		return strings.Join(words, " ")
	})
}

// Or stands for the first of two that isn't empty.
func Or(first, second any) any {
	return ref(func(w Words) string {
		return cmp.Or(Textf("%s", first).In(w), Textf("%s", second).In(w))
	})
}

// Enumerate joins words: "a, b and c".
func Enumerate(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// Error is an error that speaks of settings.
type Error struct {
	Text
	// Invalid says that the settings make no sense, so that nothing was done.
	Invalid bool
}

// Errorf is fmt.Errorf for an error that another setting may mend.
func Errorf(format string, values ...any) error { return &Error{Text: Textf(format, values...)} }

// Invalidf is fmt.Errorf for settings that make no sense.
func Invalidf(format string, values ...any) error {
	return &Error{Text: Textf(format, values...), Invalid: true}
}

func (e *Error) Error() string { return e.String() }

// NamedError is an error that is a setting's name. Others wrap it at the beginning of
// their text: "precision: only fp32".
func NamedError(name string) error { return named(name) }

type named string

func (n named) Error() string     { return string(n) }
func (n named) In(w Words) string { return w.Name(string(n)) }

// Unwrap returns the errors among the values.
func (e *Error) Unwrap() (all []error) {
	for _, v := range e.values {
		if err, ok := v.(error); ok {
			all = append(all, err)
		}
	}
	return all
}

// Invalid reports whether settings that make no sense have caused an error.
func Invalid(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Invalid
}

// In is an error with the settings in it called in such words, once: an error
// that In has returned stays as it is.
func In(err error, w Words) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, e := range speaking(err) {
		text = strings.Replace(text, e.Error(), e.In(w), 1)
	}
	if text == err.Error() {
		return err
	}
	return &said{text, err}
}

// said is an error in other words.
type said struct {
	text string
	err  error
}

func (s *said) Error() string { return s.text }
func (s *said) Unwrap() error { return s.err }

// speaker is an error that speaks of settings.
type speaker interface {
	error
	In(Words) string
}

// speaking finds the outermost such errors in a tree.
func speaking(err error) (all []speaker) {
	switch e := err.(type) {
	case *said:
		return nil
	case speaker:
		return []speaker{e}
	case interface{ Unwrap() error }:
		return speaking(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			all = append(all, speaking(err)...)
		}
	}
	return all
}

// plain are a library's words.
type plain struct{}

func (plain) Name(name string) string             { return fmt.Sprintf("%q", name) }
func (plain) Value(name string, value any) string { return fmt.Sprintf("%s %v", name, value) }
func (plain) Given(names []string) []string       { return names }

// Flags are a command's words: --batch 61.
type Flags struct{}

// Name is the flag.
func (Flags) Name(name string) string { return "--" + name }

// Value is the flag with its value.
func (Flags) Value(name string, value any) string { return fmt.Sprintf("--%s %v", name, value) }

// Given takes it that all were given.
func (Flags) Given(names []string) []string { return names }

// Renamed are Words that call some settings by other names.
type Renamed struct {
	Words
	As func(name string) string // "" for the name that Words have
}

// Name is the setting's other name, if it has one.
func (r Renamed) Name(name string) string {
	if as := r.As(name); as != "" {
		return as
	}
	return r.Words.Name(name)
}

// Value is the other name with the value.
func (r Renamed) Value(name string, value any) string {
	if as := r.As(name); as != "" {
		return fmt.Sprintf("%s %v", as, value)
	}
	return r.Words.Value(name, value)
}
