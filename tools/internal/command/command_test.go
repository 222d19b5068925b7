package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

func TestReportCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		text string
	}{
		{nil, 0, ""},
		{errors.New("no disk"), 1, "tool: no disk\n"},
		{fmt.Errorf("open: %w", Usagef("batch %d", 0)), 2, "tool: open: batch 0\n"},
		{WithCode(Skipped, errors.New("2 pictures skipped")), 3, "tool: 2 pictures skipped\n"},
		{fmt.Errorf("saved: %w", context.Canceled), 130, "tool: saved: interrupted\n"},
	} {
		var b bytes.Buffer
		if code := Report("/bin/tool", c.err, &b); code != c.code || b.String() != c.text {
			t.Errorf("%v: code %d, text %q, want %d, %q", c.err, code, b.String(), c.code, c.text)
		}
	}
}

func TestRunUsage(t *testing.T) {
	run := func(args ...string) error {
		app := &cli.App{
			Name:  "tool",
			Flags: []cli.Flag{&cli.IntFlag{Name: "n"}},
			Commands: []*cli.Command{
				{Name: "sub", Flags: []cli.Flag{&cli.IntFlag{Name: "m"}}, Action: func(*cli.Context) error { return nil }},
				{Name: "view", ArgsUsage: "DIR", Action: func(c *cli.Context) error { return errors.New("viewed " + c.Args().First()) }},
			},
			Action: func(*cli.Context) error { return nil },
		}
		return Run(context.Background(), app, append([]string{"tool"}, args...), io.Discard, io.Discard)
	}
	for _, c := range []struct{ args, want string }{
		{"--n 1", ""},
		{"sub --m 1", ""},
		{"--q", "flag provided but not defined: -q (see tool --help)"},
		{"--n x", `--n "x": want a whole number`},
		{"what", `unexpected "what"`},
		{"sub what", `unexpected "what"`},
		{"sub --q", "not defined"},
		{"view DIR", "viewed DIR"},
	} {
		err := run(strings.Fields(c.args)...)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.args, err, c.want)
		}
		if c.want != "" && !strings.HasPrefix(c.want, "viewed") && Report("tool", err, io.Discard) != BadUsage {
			t.Errorf("%s: not a usage error", c.args)
		}
	}
}

func TestVersion(t *testing.T) {
	var b bytes.Buffer
	if err := Run(context.Background(), &cli.App{Name: "tool"}, []string{"tool", "--version"}, &b, io.Discard); err != nil {
		t.Fatal(err)
	}
	if want := "tool version " + Version() + "\n"; b.String() != want || Version() == "" {
		t.Errorf("wrote %q, want %q", b.String(), want)
	}
}

// TestBuildVersion: what Go records of a build in a clone, with and without a tag,
// and elsewhere.
func TestBuildVersion(t *testing.T) {
	const revision = "5d06e94c84285d45c67943291aec96a1a643c9c6"
	for _, c := range []struct{ module, revision, modified, want string }{
		{"(devel)", "", "", unknownVersion},
		{"", "", "", unknownVersion},
		{"(devel)", revision, "false", revision},
		{"v0.0.0-20261128160046-5d06e94c8428", revision, "false", revision},
		{"v0.0.0-20261128160046-5d06e94c8428+dirty", revision, "true", revision + " with changes"},
		{"v1.2.0", revision, "false", "v1.2.0 " + revision},
		{"v1.2.0+dirty", revision, "true", "v1.2.0 " + revision + " with changes"},
		{"v1.2.0", "", "", "v1.2.0"},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: c.module}}
		if c.revision != "" {
			info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: c.revision}, {Key: "vcs.modified", Value: c.modified}}
		}
		if got := version(info); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestLineElsewherePrintsOnlyForGood(t *testing.T) {
	var b bytes.Buffer
	l := NewLine(&b)
	l.Update("step %d", 1)
	l.Print("step %d", 2)
	l.Clear()
	if b.String() != "step 2\n" || l.Terminal() {
		t.Errorf("wrote %q", b.String())
	}
}

func TestLineOnTerminalRewrites(t *testing.T) {
	var b bytes.Buffer
	l := &Line{w: &b, width: 10}
	l.Update("a long line is cut")
	l.Update("too soon")
	l.Print("done")
	if want := "\ra long li\x1b[K" + "\r\x1b[K" + "done\n"; b.String() != want {
		t.Errorf("wrote %q, want %q", b.String(), want)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		400 * time.Millisecond: "0s", 42 * time.Second: "42s", 190 * time.Second: "3m10s",
		125 * time.Minute: "2h05m", 76 * time.Hour: "3d04h",
	} {
		if got := Span(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
