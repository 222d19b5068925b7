package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"alexnet/internal/build"

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
				{Name: "sub", Flags: []cli.Flag{&cli.IntFlag{Name: "m"}, &cli.IntFlag{Name: "seed"}}, Action: func(*cli.Context) error { return nil }},
				{Name: "draw", Flags: []cli.Flag{&cli.BoolFlag{Name: "json"}, &cli.StringFlag{Name: "data"}, &cli.StringFlag{Name: "run"}, &cli.StringFlag{Name: "mean-image"}}},
				{Name: "view", ArgsUsage: "DIR", Action: func(c *cli.Context) error { return errors.New("viewed " + c.Args().First()) }},
			},
			Action: func(*cli.Context) error { return nil },
		}
		return Run(context.Background(), app, append([]string{"tool"}, args...), io.Discard, io.Discard)
	}
	for _, c := range []struct{ args, want string }{
		{"--n 1", ""},
		{"sub --m 1", ""},
		{"--q", "there is no flag --q (see tool --help)"},
		{"-q=3", "there is no flag -q (see tool --help)"},
		{"--n", "--n needs a value: a whole number (see tool --help)"},
		{"sub -seed", "-seed needs a value: a whole number (see tool sub --help)"},
		{"--n x", `--n "x": want a whole number`},
		{"what", `there is no command "what" (see tool --help)`},
		{"--n 1 what", `there is no command "what" (see tool --help)`},
		{"draw testing", `unexpected "testing": a file or folder is given with a flag (see tool draw --help)`},
		{"draw .", `unexpected ".": a file or folder is given with a flag, here perhaps --run . (see tool draw --help)`},
		{"draw mean_image", `unexpected "mean_image": did you mean --mean-image? (see tool draw --help)`},
		{"sub what", `unexpected "what": a file or folder is given with a flag (see tool sub --help)`},
		{"sub --q", "there is no flag --q: there are --seed (see tool sub --help)"},
		{"sub --m x", `--m "x": want a whole number (see tool sub --help)`},
		{"vew", "there is no command \"vew\": did you mean view? (see"},
		{"vew --seed 1", "there is no command \"vew\": did you mean view? (see"},
		{"vew --sed 1 DIR", "there is no command \"vew\": did you mean view? (see"},
		{". --sed 1", `unexpected ".": name a command before a file or folder (see tool --help)`},
		{"version", "there is no command \"version\": did you mean --version? (see"},
		{"sub --seeed 1", "there is no flag --seeed: did you mean --seed? (see"},
		{"--sub", "there is no flag --sub (see"},
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

// TestHelp: the word help is the flag, before a command and alone.
func TestHelp(t *testing.T) {
	for words, want := range map[string]string{"help": "tool - all", "help sub": "tool sub - one", "sub --help": "tool sub - one"} {
		var b bytes.Buffer
		app := &cli.App{Name: "tool", Usage: "all", Commands: []*cli.Command{{Name: "sub", Usage: "one"}}}
		if err := Run(context.Background(), app, append([]string{"tool"}, strings.Fields(words)...), &b, io.Discard); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%s: error %v, wrote %q, want %q", words, err, b.String(), want)
		}
	}
}

func TestVersion(t *testing.T) {
	var b bytes.Buffer
	if err := Run(context.Background(), &cli.App{Name: "tool"}, []string{"tool", "--version"}, &b, io.Discard); err != nil {
		t.Fatal(err)
	}
	if want := "tool version " + build.About() + "\n"; b.String() != want || build.About() == "" {
		t.Errorf("wrote %q, want %q", b.String(), want)
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

// TestLineFits: the longest form that the terminal has room for is shown, and a
// terminal that people resize is measured again.
func TestLineFits(t *testing.T) {
	var b bytes.Buffer
	width := 120
	l := &Line{w: &b, width: width, size: func() (int, error) { return width, nil }}
	long, short := strings.Repeat("l", 100), strings.Repeat("s", 60)
	for _, c := range []struct {
		width int
		want  string
	}{{120, long}, {80, short}, {61, short}, {50, short[:49]}, {101, long}} {
		b.Reset()
		width, l.lastTime = c.width, time.Time{}
		l.UpdateFitting(long, short)
		if want := "\r" + c.want + "\x1b[K"; b.String() != want {
			t.Errorf("%d columns: %q, want %q", c.width, b.String(), want)
		}
	}
}

// TestLineNarrowed: a terminal that becomes narrower wraps the progress, and all of its
// rows go. One that cuts it instead keeps what is above.
func TestLineNarrowed(t *testing.T) {
	for _, reflows := range []bool{true, false} {
		var b bytes.Buffer
		width := 120
		l := &Line{w: &b, width: width, size: func() (int, error) { return width, nil }, reflows: reflows}
		up := "\r"
		if reflows {
			up = "\r\x1b[2A\x1b[J"
		}
		for _, next := range []func(){func() { l.UpdateFitting("short") }, l.Clear, func() { l.Print("for good") }} {
			width, l.lastTime = 120, time.Time{}
			l.UpdateFitting(strings.Repeat("l", 110))
			b.Reset()
			width, l.lastTime = 50, time.Time{}
			if next(); !strings.HasPrefix(b.String(), up) || strings.Contains(b.String(), "A") != reflows {
				t.Errorf("reflows %v: wrote %q", reflows, b.String())
			}
		}
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
