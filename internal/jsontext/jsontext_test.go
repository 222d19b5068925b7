package jsontext

import (
	"fmt"
	"strings"
	"testing"
)

func TestUnique(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}],"d":"a"}`: "",
		`[]`:                     "",
		`"a"`:                    "",
		`{"a":1,"A":2}`:          "",
		``:                       "",
		`{"a":1,`:                "",
		`not JSON`:               "",
		`{"a":{},"a":[]}`:        "a is there twice",
		`{"a":"x","\u0061":"y"}`: "a is there twice",
		`{"n":[{"x":{"y":1,"z":[1,{"q":2}],"y":2}}]}`: "n.x.y is there twice",
		`{"a\u001b[2J":1,"a\u001b[2J":2}`:             `"a\x1b[2J" is there twice`,
		strings.Repeat("[", 9000) + `{"a":1,"a":2}`:   "a is there twice",
	} {
		err := unique([]byte(text))
		if got := ""; err != nil {
			got = err.Error()
			if want == "" || !strings.HasPrefix(got, want) {
				t.Errorf("%.60s: %s, want %q", text, got, want)
			}
		} else if want != "" {
			t.Errorf("%.60s: no error, want %q", text, want)
		}
	}
}

func FuzzUnique(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":1}],"a":2}`))
	f.Fuzz(func(t *testing.T, text []byte) { unique(text) })
}

// TestUnmarshal: what is refused, in words.
func TestUnmarshal(t *testing.T) {
	type inner struct{ F float32 }
	var to struct {
		A int
		S string
		L []inner
		B bool
		M map[string]any
	}
	for text, want := range map[string]string{
		`{"A":1,"S":"x","L":[{"F":0.5}],"B":true,"M":{"k":1}}`: "",
		`{"A":1,"A":2}`:     "A is there twice: leave one of the two",
		`[]`:                "is a list, want an object",
		`7`:                 "is a number, want an object",
		`{"A":"1"}`:         "A is a text, want a whole number in range",
		`{"A":1.5}`:         "A is the number 1.5, want a whole number in range",
		`{"S":{}}`:          "S is an object, want a text",
		`{"L":[{"F":"x"}]}`: "L.F is a text, want a number",
		`{"L":{}}`:          "L is an object, want a list",
		`{"B":1}`:           "B is a number, want true or false",
		`{"M":true}`:        "M is true or false, want an object",
		`{} {}`:             "holds more than one JSON value",
		`{"A":`:             "isn't JSON: unexpected EOF",
		``:                  "holds no JSON",
		`{"Z":1}`:           `json: unknown field "Z"`,
	} {
		err := UnmarshalKnown([]byte(text), &to)
		if got := fmt.Sprint(err); got != want && !(err == nil && want == "") {
			t.Errorf("%s: %s, want %q", text, got, want)
		}
	}
	if err := Unmarshal([]byte(`{"Z":1}`), &to); err != nil {
		t.Error(err)
	}
	var any map[string]any
	if err := UnmarshalNumbers([]byte(`{"n":12345678901234567890}`), &any); err != nil || fmt.Sprint(any["n"]) != "12345678901234567890" {
		t.Errorf("%v, %v", any, err)
	}
}
