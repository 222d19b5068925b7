package source

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadClasses(t *testing.T) {
	cases := []struct{ data, want string }{
		{"n02 tench, Tinca\nn01\n", "[{n02 tench, Tinca} {n01 }]"},
		{"\xff\xfea\x00 \x00x\x00\n\x00b\x00", "[{a x} {b }]"},
		{"\ufeff# the ten\r\n\r\ngarbage truck\ta lorry\r\nchurch\t\r\n", "[{garbage truck a lorry} {church }]"},
	}
	for _, c := range cases {
		got, err := ReadClasses(filepath.Join(folder(t, file{"list", c.data}), "list"))
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%q: got %v, %v; want %s", c.data, got, err, c.want)
		}
	}
	for data, want := range map[string]string{
		"":                            "list: names no class",
		"a\nb\na x\n":                 "list:3: class a for the second time",
		"a\n b\n":                     "list:2: starts with a space",
		"a\ncaf\xe9\n":                "list:2: isn't UTF-8 (byte 0xe9)",
		strings.Repeat("a", 2*maxRow): "list:1: the row has more than 1048576 bytes",
	} {
		_, err := ReadClasses(filepath.Join(folder(t, file{"list", data}), "list"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v, want …%s…", data, err, want)
		}
	}
	if _, err := ReadClasses("nowhere"); err == nil || !strings.Contains(err.Error(), "read the class list: nowhere: no such file") {
		t.Errorf("got %v", err)
	}
}
