// Package jsontext reads JSON that people write. It refuses repeated keys, which
// encoding/json accepts in silence, and explains errors without naming Go's types.
package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"alexnet/internal/printable"
)

// Unmarshal is json.Unmarshal with the rules of this package.
func Unmarshal(text []byte, to any) error { return decode(text, to, func(*json.Decoder) {}) }

// UnmarshalKnown also refuses unknown keys.
func UnmarshalKnown(text []byte, to any) error {
	return decode(text, to, (*json.Decoder).DisallowUnknownFields)
}

// UnmarshalNumbers keeps numbers as they are written if the value does not fix their
// type.
func UnmarshalNumbers(text []byte, to any) error { return decode(text, to, (*json.Decoder).UseNumber) }

func decode(text []byte, to any, set func(*json.Decoder)) error {
	if err := unique(text); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	set(d)
	if err := d.Decode(to); err != nil {
		return explain(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("holds more than one JSON value")
	}
	return nil
}

// explain describes a mismatch in terms of JSON.
func explain(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case err == io.EOF:
		return errors.New("holds no JSON")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, new(*json.SyntaxError)):
		return fmt.Errorf("isn't JSON: %w", err)
	case !errors.As(err, &wrong):
		return err
	}
	is, want := wrong.Value, "another value"
	switch kind, rest, _ := strings.Cut(wrong.Value, " "); kind {
	case "array":
		is = "a list"
	case "object":
		is = "an object"
	case "string":
		is = "a text"
	case "bool":
		is = "true or false"
	case "number":
		if is = "a number"; rest != "" {
			is = "the number " + rest
		}
	}
	switch kind := wrong.Type.Kind(); {
	case kind == reflect.Struct, kind == reflect.Map:
		want = "an object"
	case kind == reflect.Slice, kind == reflect.Array:
		want = "a list"
	case kind == reflect.String:
		want = "a text"
	case kind == reflect.Bool:
		want = "true or false"
	case kind >= reflect.Int && kind <= reflect.Uintptr:
		want = "a whole number in range"
	case kind == reflect.Float32, kind == reflect.Float64:
		want = "a number"
	}
	if wrong.Field == "" {
		return fmt.Errorf("is %s, want %s", is, want)
	}
	return fmt.Errorf("%s is %s, want %s", printable.Name(wrong.Field), is, want)
}
