package nvrtc

import (
	"os"
	"strings"
	"testing"
)

// TestCompile compiles a line, and lines that fail and warn.
func TestCompile(t *testing.T) {
	path := os.Getenv(Variable)
	if path == "" {
		t.Skipf("%s names no library of %s", Variable, Wheel)
	}
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ main, want, fails string }{
		{"#include \"x.h\"\nextern \"C\" __global__ void f(int *p) { *p = x; }", ".visible .entry f(", ""},
		{"#include \"x.h\"\nextern \"C\" __global__ void f(int *p) { *p = y; }", "", "identifier \"y\" is undefined"},
		{"#include \"x.h\"\nextern \"C\" __global__ void f(int *p) { int z; *p = x; }", "", "the compiler warns"},
	} {
		text, err := l.Compile(map[string]string{"main.cu": c.main, "x.h": "enum { x = 7 };"}, "main.cu", Options)
		if c.fails == "" && (err != nil || !strings.Contains(string(text), c.want)) {
			t.Errorf("%v, want %q in\n%s", err, c.want, text)
		}
		if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%v, want %q", err, c.fails)
		}
	}
}

// TestOpen names a library that isn't there.
func TestOpen(t *testing.T) {
	if _, err := Kernels("/nowhere/libnvrtc.so"); err == nil || !strings.Contains(err.Error(), "/nowhere/libnvrtc.so") {
		t.Errorf("got %v", err)
	}
}
