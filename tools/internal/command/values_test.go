package command

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// valuesApp proposes values for a flag of its own and for one of a command.
func valuesApp() *cli.App {
	app := referenceApp()
	app.Flags = append(app.Flags, &cli.StringFlag{Name: "device"}, &cli.PathFlag{Name: "file"}, &cli.BoolFlag{Name: "yes"})
	app.Commands = append(app.Commands, &cli.Command{Name: "show", ArgsUsage: "NET", Flags: []cli.Flag{&cli.StringFlag{Name: "part"}}})
	Complete(app, Values{"device": These("auto", "cpu", "cuda:0", "cuda:1"), "part": These("lrn", "relu"), "show": These("large", "little")})
	return app
}

// TestProgram is no test: the shells' completion calls it as the tool.
func TestProgram(t *testing.T) {
	args := os.Getenv("VALUES_TEST_ARGS")
	if args == "" {
		t.Skip("for TestCompleteInShells")
	}
	var out bytes.Buffer
	os.Args = strings.Split(args, "\x1f")
	if err := Run(t.Context(), valuesApp(), os.Args, &out, &out); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv("VALUES_TEST_OUT"), out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCompleteInShells: a real bash, and a real zsh where there is one, complete flags,
// values with colons, behind "=" and behind commas, and arguments; they propose files
// where the program has nothing.
func TestCompleteInShells(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	dir := t.TempDir()
	tool := fmt.Sprintf("#!%s\nargs=tool; for a; do args+=$'\\x1f'$a; done\nVALUES_TEST_OUT=$(mktemp) && export VALUES_TEST_OUT && VALUES_TEST_ARGS=$args %q -test.run '^TestProgram$' >/dev/null && cat \"$VALUES_TEST_OUT\"; rm -f \"$VALUES_TEST_OUT\"\n", bash, os.Args[0])
	if err := os.WriteFile(filepath.Join(dir, "tool"), []byte(tool), 0o700); err != nil {
		t.Fatal(err)
	}
	var script bytes.Buffer
	if err := Run(t.Context(), valuesApp(), []string{"tool", "completion", "bash"}, &script, &script); err != nil {
		t.Fatal(err)
	}
	// What readline gives a completion function: the line, divided at COMP_WORDBREAKS.
	divide := func(line string) []string {
		words := []string{""}
		for _, r := range line {
			switch {
			case r == ' ':
				words = append(words, "")
			case r == '=' || r == ':':
				words = append(words, string(r), "")
			default:
				words[len(words)-1] += string(r)
			}
		}
		var out []string
		for i, w := range words {
			if w != "" || i == len(words)-1 {
				out = append(out, w)
			}
		}
		return out
	}
	for line, want := range map[string]string{
		"tool --device c":        "cpu cuda:0 cuda:1",
		"tool --device cuda:":    "0 1", // readline replaces what follows the colon
		"tool --device=cp":       "cpu",
		"tool --device cpu,cu":   "cpu,cuda:0 cpu,cuda:1",
		"tool --file ":           "", // files
		"tool show ":             "large little",
		"tool show li":           "little",
		"tool show --part ":      "lrn relu",
		"tool --dev":             "--device",
		"tool completion z":      "zsh",
		"tool --yes --device au": "auto",
	} {
		words := divide(line)
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, "'"+w+"'")
		}
		text := fmt.Sprintf("%s\nCOMP_LINE='%s' COMP_POINT=%d COMP_CWORD=%d COMP_WORDS=(%s)\n_tool\necho \"${COMPREPLY[*]}\"", script.String(), line, len(line), len(words)-1, strings.Join(quoted, " "))
		c := exec.Command(bash, "--norc", "-c", text)
		c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		got, err := c.CombinedOutput()
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%q: %q, want %q (%v)", line, strings.TrimSpace(string(got)), want, err)
		}
	}
}
