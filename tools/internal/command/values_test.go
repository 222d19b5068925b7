package command

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	t.Run("fish", func(t *testing.T) { completeInFish(t, dir) })
	t.Run("zsh", func(t *testing.T) { completeInZsh(t, dir) })
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

// proposed are the proposals of fish and zsh, which leave words whole: what stands behind
// the last "=" or comma. A "" wants a file of the folder.
var proposed = map[string]string{
	"tool --device c":        "cpu cuda:0 cuda:1",
	"tool --device cuda:":    "cuda:0 cuda:1",
	"tool --device=cp":       "cpu",
	"tool --device cpu,cu":   "cuda:0 cuda:1",
	"tool --file ":           "",
	"tool show ":             "large little",
	"tool show li":           "little",
	"tool show --part ":      "lrn relu",
	"tool --dev":             "--device",
	"tool completion z":      "zsh",
	"tool --yes --device au": "auto",
}

// checkProposed compares a shell's proposals, one a line.
func checkProposed(t *testing.T, line, output string) {
	t.Helper()
	var got []string
	for word := range strings.Lines(output) {
		word, _, _ = strings.Cut(strings.TrimSpace(word), "\t")
		got = append(got, word[strings.LastIndexAny(word, "=,")+1:])
	}
	slices.Sort(got)
	want := proposed[line]
	if want == "" {
		if !slices.Contains(got, "a-file") {
			t.Errorf("%q: %q, want the folder's files", line, got)
		}
		return
	}
	if strings.Join(got, " ") != want {
		t.Errorf("%q: %q, want %q", line, got, want)
	}
}

// shellScript writes the completion for a shell, and a file to propose. The tool is in
// dir.
func shellScript(t *testing.T, shell, dir string) (script string, c *exec.Cmd) {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Skip("no " + shell)
	}
	var text bytes.Buffer
	if err := Run(t.Context(), valuesApp(), []string{"tool", "completion", shell}, &text, &text); err != nil {
		t.Fatal(err)
	}
	at := t.TempDir()
	script = filepath.Join(at, "script")
	if err := errors.Join(os.WriteFile(script, text.Bytes(), 0o600), os.WriteFile(filepath.Join(at, "a-file"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	c = exec.CommandContext(t.Context(), path)
	c.Dir = at
	c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+at, "SCRIPT="+script, "TERM=dumb")
	return script, c
}

// completeInFish asks a real fish.
func completeInFish(t *testing.T, dir string) {
	for line := range proposed {
		_, c := shellScript(t, "fish", dir)
		c.Args = append(c.Args, "--no-config", "-c", "source $SCRIPT; complete -C "+"'"+line+"'")
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		checkProposed(t, line, string(out))
	}
}

// zshDriver runs an interactive zsh in a pseudo-terminal and types lines and tabs. compadd
// prints what it is given and would show.
const zshDriver = `zmodload zsh/zpty || exit 3
zpty inner zsh -f -i
zpty -w inner 'PS1= PS2=; unsetopt zle_bracketed_paste beep 2>/dev/null; autoload -Uz compinit; compinit -u -D; source $SCRIPT
compadd() { local -a hits; builtin compadd -O hits "$@"; print -r -- "<<<"; print -rl -- $hits; print -r -- ">>>"; builtin compadd "$@" }; print READY-$((1+1))'
zpty -r -m inner seen '*READY-2*'
for line; do
  zpty -w -n inner "$line"$'\t'
  zpty -r -m inner seen '*<<<*>>>*'
  print -r -- "LINE"
  print -r -- "${${seen#*<<<}%%>>>*}"
  zpty -w -n inner $'\x15'
done
zpty -d inner
`

// completeInZsh types into a real zsh.
func completeInZsh(t *testing.T, dir string) {
	lines := slices.Sorted(maps.Keys(proposed))
	_, c := shellScript(t, "zsh", dir)
	c.Args = append(c.Args, append([]string{"-f", "-c", zshDriver, "driver"}, lines...)...)
	out, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() == 3 {
		t.Skip("zsh has no pseudo-terminals")
	}
	parts := strings.Split(strings.ReplaceAll(string(out), "\r", ""), "LINE\n")
	if err != nil || len(parts) != len(lines)+1 {
		t.Fatalf("%v, %d answers:\n%s", err, len(parts)-1, out)
	}
	for i, line := range lines {
		checkProposed(t, line, strings.Trim(parts[i+1], "\n"))
	}
}
