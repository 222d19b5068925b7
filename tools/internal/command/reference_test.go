package command

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func referenceApp() *cli.App {
	return &cli.App{
		Name: "tool", Usage: "do things", UsageText: "tool --in DIR\n   tool list", Description: "More.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "in", Category: "Data", Usage: "read `DIR`|FILE"},
			&cli.IntFlag{Name: "n", Value: 3, Usage: "`N` times"},
			&cli.BoolFlag{Name: "secret", Hidden: true},
		},
		Commands: []*cli.Command{{Name: "list", Usage: "list them", ArgsUsage: "DIR…", Flags: []cli.Flag{&cli.BoolFlag{Name: "long", Usage: "say more"}}}},
	}
}

func TestReference(t *testing.T) {
	var out bytes.Buffer
	if err := Run(t.Context(), referenceApp(), []string{"tool", "reference"}, &out, &out); err != nil {
		t.Fatal(err)
	}
	const want = "# tool\n\nDo things.\n\n```\ntool --in DIR\ntool list\n```\n\nMore.\n" +
		"\n## Data\n\n| flag | default | what it does |\n|---|---|---|\n| `--in DIR` |  | read DIR\\|FILE |\n" +
		"\n## Options\n\n| flag | default | what it does |\n|---|---|---|\n| `-n N` | `3` | N times |\n" +
		"\n## tool list DIR…\n\nList them.\n" +
		"\n### Options\n\n| flag | default | what it does |\n|---|---|---|\n| `--long` |  | say more |\n"
	if got, _, _ := strings.Cut(out.String(), "\n## tool completion"); got != want {
		t.Errorf("page\n%s\nwant\n%s", got, want)
	}
}

func TestCategories(t *testing.T) {
	say := func(args ...string) string {
		app := referenceApp()
		app.Flags = nil
		app.Commands[0].Category = "Use"
		app.Commands = append(app.Commands, &cli.Command{Name: "make", Usage: "make them", Category: "Do", UsageText: "tool make\n   tool make 2", Flags: []cli.Flag{&cli.BoolFlag{Name: "all"}}})
		var out bytes.Buffer
		if err := Run(t.Context(), app, append([]string{"tool"}, args...), &out, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const table = "## Commands\n\n| | command | what it does |\n|---|---|---|\n| Do | `make` | make them |\n| Shell | `completion` | print a script for shell completion |\n| Use | `list` | list them |\n\n## tool list"
	if page := say("reference"); !strings.Contains(page, table) {
		t.Errorf("page\n%s\nlacks\n%s", page, table)
	}
	help := say("make", "--help")
	for _, want := range []string{"USAGE:\n   tool make\n   tool make 2\n", "CATEGORY:\n   Do", "--all"} {
		if !strings.Contains(help, want) {
			t.Errorf("help\n%s\nlacks %q", help, want)
		}
	}
	if strings.Contains(help, "default: false") {
		t.Errorf("help names the default of a switch:\n%s", help)
	}
}

func TestCompletion(t *testing.T) {
	defer func(args []string) { os.Args = args }(os.Args)
	for line, want := range map[string]string{
		"tool":            "list",
		"tool -":          "--in",
		"tool list -":     "--long",
		"tool completion": "",
	} {
		var out bytes.Buffer
		args := append(strings.Fields(line), completing)
		os.Args = args // where the library looks for the word before
		if err := Run(t.Context(), referenceApp(), args, &out, &out); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "secret") {
			t.Errorf("%s proposes %q, want %q among them", line, out.String(), want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		var out bytes.Buffer
		if err := Run(t.Context(), referenceApp(), []string{"tool", "completion", shell}, &out, &out); err != nil {
			t.Fatal(err)
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			continue // the other shells are tested all the same; PowerShell has no such flag and another name
		}
		check := exec.Command(path, "-n")
		check.Stdin = &out
		if text, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, text)
		}
	}
	var out bytes.Buffer
	if err := Run(t.Context(), referenceApp(), []string{"tool", "completion", "tcsh"}, &out, &out); err == nil || !strings.Contains(err.Error(), "want bash, zsh, fish or powershell") {
		t.Errorf("tcsh: %v", err)
	}
}

// TestCompletionRunsNothing: a shell that asks for proposals behind "--" starts no work.
func TestCompletionRunsNothing(t *testing.T) {
	defer func(args []string) { os.Args = args }(os.Args)
	for _, line := range []string{"tool --", "tool -- photos", "tool work --", "tool work -- photos", "tool work --in x -- -"} {
		app := referenceApp()
		ran := func(*cli.Context) error {
			t.Errorf("%s: the command runs", line)
			return nil
		}
		app.Action, app.ArgsUsage = ran, "[PICTURES]"
		app.Commands = append(app.Commands, &cli.Command{Name: "work", ArgsUsage: "FILE…", Action: ran, Flags: []cli.Flag{&cli.StringFlag{Name: "in"}}})
		var out bytes.Buffer
		os.Args = append(strings.Fields(line), completing)
		if err := Run(t.Context(), app, os.Args, &out, &out); err != nil || out.Len() > 0 {
			t.Errorf("%s: %v, %q", line, err, out.String())
		}
	}
}

// TestCompletionIsText: bash takes proposals as they are, and expands nothing in them.
func TestCompletionIsText(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	var script bytes.Buffer
	if err := Run(t.Context(), referenceApp(), []string{"tool", "completion", "bash"}, &script, &script); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := exec.Command(bash, "-c", script.String()+`
tool() { echo "--plain"; echo '--$(touch owned)'; echo '--a b'; echo '`+"--`touch owned`"+`'; echo other; }
COMP_WORDS=(tool --) COMP_CWORD=1 COMP_LINE='tool --' COMP_POINT=7
_tool
printf '%s\n' "${COMPREPLY[@]}"`)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if want := "--plain\n--\\$\\(touch\\ owned\\)\n--a\\ b\n--\\`touch\\ owned\\`\n"; err != nil || string(out) != want {
		t.Errorf("%v: proposals\n%swant\n%s", err, out, want)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("completing has made %s", left[0].Name())
	}
}

// TestManual: the page says what the one in docs/cli does, with man's requests, and
// nothing of a text is taken for one.
func TestManual(t *testing.T) {
	app := referenceApp()
	app.Description = "More -- \\ of it,\n.such as 'this'.\n\nAnd more."
	var out bytes.Buffer
	if err := Run(t.Context(), app, []string{"tool", "manual"}, &out, &out); err != nil {
		t.Fatal(err)
	}
	const want = ".TH TOOL 1\n.SH NAME\ntool \\- do things\n.SH SYNOPSIS\n.PP\n.nf\ntool \\-\\-in DIR\ntool list\n.fi\n" +
		".SH DESCRIPTION\n.PP\nMore \\-\\- \\e of it,\n\\&.such as \\(aqthis\\(aq.\n.PP\nAnd more.\n" +
		".SS Data\n.TP\n\\fB\\-\\-in DIR\\fR\nread DIR|FILE\n.SS Options\n.TP\n\\fB\\-n N\\fR\nN times (default: 3)\n" +
		".SH LIST\n.PP\nList them.\n.SS Options\n.TP\n\\fB\\-\\-long\\fR\nsay more\n"
	if got, _, _ := strings.Cut(out.String(), ".SH COMPLETION"); got != want {
		t.Errorf("page\n%s\nwant\n%s", got, want)
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		return
	}
	check := exec.Command(groff, "-man", "-ww", "-z", "-Tutf8")
	check.Stdin = &out
	if text, err := check.CombinedOutput(); err != nil || len(text) > 0 {
		t.Errorf("groff: %v\n%s", err, text)
	}
}
