package printable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
)

func TestName(t *testing.T) {
	for s, want := range map[string]string{
		"":                          "",
		"cat":                       "cat",
		`a b "c" \d`:                `a b "c" \d`,
		"été 猫 ž�":                  "été 猫 ž�",
		"\x1b]0;title\a":            `"\x1b]0;title\a"`,
		"a\nerror: disk":            `"a\nerror: disk"`,
		"a\rb":                      `"a\rb"`,
		"\x9b31m":                   `"\x9b31m"`,
		"\u009b31m":                 `"\u009b31m"`,
		"gpj.\u202eexe":             `"gpj.\u202eexe"`,
		"\xff":                      `"\xff"`,
		"line\u2028end":             `"line\u2028end"`,
		"\x7f":                      `"\x7f"`,
		"zero\u200bwidth":           `"zero\u200bwidth"`,
		"tab\tin a name \"quoted\"": `"tab\tin a name \"quoted\""`,
	} {
		if got := Name(s); got != want {
			t.Errorf("%q is shown as %s, want %s", s, got, want)
		}
	}
}

func TestFprintf(t *testing.T) {
	const evil = "\x1b[2J\n"
	_, missing := os.Open("none" + evil)
	var b bytes.Buffer
	Fprintf(&b, "%s %d %v: %v; %v\n", evil, 3, []string{"a", evil}, missing, errors.Join(fmt.Errorf("at %w", missing), errors.New("\x07")))
	want := `"\x1b[2J\n" 3 [a "\x1b[2J\n"]: open "none\x1b[2J\n": no such file or directory; ` +
		`at open "none\x1b[2J\n": no such file or directory` + "\n  \\u0007\n"
	if b.String() != want {
		t.Errorf("wrote %q\nwant  %q", b.String(), want)
	}
}

// TestWriter: whatever is written, in whatever pieces, no terminal acts on it,
// and JSON stays the same JSON.
func TestWriter(t *testing.T) {
	const in = "é猫\U0001f600\x1b[1m\r\x9b\xff\u009b\u202e\u2066\x7f\ttext\n\xe7\x8c"
	const want = "é猫\U0001f600\\u001b[1m\\u000d\\ufffd\\ufffd\\u009b\\u202e\\u2066\\u007f\ttext\n"
	for size := 1; size <= len(in); size++ {
		var b bytes.Buffer
		w := NewWriter(&b)
		for at := 0; at < len(in); at += size {
			piece := []byte(in[at:min(at+size, len(in))])
			if n, err := w.Write(piece); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		if b.String() != want { // a character that is never finished isn't written
			t.Fatalf("in pieces of %d: %q\nwant %q", size, b.String(), want)
		}
	}
	var b bytes.Buffer
	value := "\x1b \u009b \u202e \x7f é"
	if err := json.NewEncoder(NewWriter(&b)).Encode(value); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got != value || bytes.ContainsAny(b.Bytes(), "\u009b\u202e\x7f") {
		t.Errorf("JSON %q means %q, %v", b.Bytes(), got, err)
	}
	if Raw(NewWriter(&b)) != &b || Raw(&b) != &b {
		t.Error("the raw writer is another")
	}
}

func TestCount(t *testing.T) {
	for want, got := range map[string]string{"0 shards": Count(0, "shard"), "1 shard": Count(1, "shard"), "2 shards": Count(2, "shard"), "1 class": Count(1, "class"), "3 classes": Count(3, "class")} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
