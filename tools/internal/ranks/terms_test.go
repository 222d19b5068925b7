package ranks

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"alexnet/engine/collective"
)

// termsFor are the terms of a command line.
func termsFor(t *testing.T, args ...string) (terms collective.Terms) {
	t.Helper()
	app := &cli.App{
		Name: "tool",
		Flags: []cli.Flag{
			&cli.Float64Flag{Name: "lr", Value: 0.5}, &cli.IntFlag{Name: "threads"}, &cli.StringFlag{Name: "data", Aliases: []string{"d"}},
			&cli.PathFlag{Name: "out"}, &cli.StringFlag{Name: "mine"},
		},
		Action: func(c *cli.Context) error {
			terms = Terms(c, Kinds{Own: []string{"mine"}, Data: []string{"data"}, Path: []string{"out"}})
			return nil
		},
	}
	if err := app.RunContext(context.Background(), append([]string{"tool"}, args...)); err != nil {
		t.Fatal(err)
	}
	return terms
}

// Ranks differ by what decides the result, and not by what is their own.
func TestTermsOfFlags(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{"a": "1", "b": "1", "c": "2", "x/index.json": "{}", "y/index.json": "{}", "z/index.json": "{} "} {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ a, b, differ string }{
		{"", "--lr 0.5 --threads 3 --mine x", ""},
		{"", "--lr 0.6", "--lr"},
		{"--data a", "--data b", ""},
		{"--data a", "-d a", ""},
		{"--data a", "--data c", "--data"},
		{"--data x", "--data y/", ""},
		{"--data x", "--data z", "--data"},
		{"--data x", "--data missing", "--data"},
		{"--data missing", "--data missing2", ""}, // the command complains
		{"--data s3://a:secret@b/c", "--data s3://a:secret@b/c", ""},
		{"--data s3://a:secret@b/c", "--data s3://a:secret@b/d", "--data"},
		{"--out r", "--out " + dir + "/x/../r", ""},
		{"--out r", "--out r2", "--out"},
	} {
		a, b := termsFor(t, strings.Fields(c.a)...), termsFor(t, strings.Fields(c.b)...)
		d := strings.Join(a.Differences("here", b, "there"), "; ")
		if (d == "") != (c.differ == "") || !strings.HasPrefix(d, c.differ) || strings.Contains(d, "secret") {
			t.Errorf("%q and %q differ by %q, want %q", c.a, c.b, d, c.differ)
		}
	}
}
