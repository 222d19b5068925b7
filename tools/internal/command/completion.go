package command

import (
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"
)

// completing is the last argument of a call by a shell that wants proposals.
const completing = "--generate-bash-completion"

// Shell functions that ask the program itself what may come next; %[1]s is its
// name. Where it proposes nothing, files are completed.
const (
	bashCompletion = `_%[2]s() {
  local word=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]:0:COMP_CWORD}")
  [[ $word == -* ]] && words+=(-)
  COMPREPLY=($(compgen -W "$("${words[@]}" ` + completing + ` 2>/dev/null)" -- "$word"))
}
complete -o bashdefault -o default -F _%[2]s %[1]s
`
	zshCompletion = `#compdef %[1]s
_%[2]s() {
  local word=${words[CURRENT]} proposals
  local call=(${words[1,CURRENT-1]})
  [[ $word == -* ]] && call+=(-)
  proposals=("${(@f)$(${call} ` + completing + ` 2>/dev/null)}")
  if [[ -n ${proposals[1]} ]]; then compadd -- ${proposals%%%%:*}; else _files; fi
}
compdef _%[2]s %[1]s
`
)

// completionCommand prints a script that teaches a shell the tool's commands
// and flags.
func completionCommand(app *cli.App, stdout io.Writer) *cli.Command {
	shells := []string{"bash", "zsh", "fish"}
	category := ""
	if slices.ContainsFunc(app.Commands, func(c *cli.Command) bool { return c.Category != "" }) {
		category = "Shell"
	}
	return &cli.Command{
		Name:        "completion",
		Category:    category,
		Usage:       "print a script for shell completion",
		ArgsUsage:   "bash|zsh|fish",
		UsageText:   fmt.Sprintf("source <(%[1]s completion bash)\n   %[1]s completion fish > ~/.config/fish/completions/%[1]s.fish", app.Name),
		Description: "Put the first line into ~/.bashrc, or the same with zsh into ~/.zshrc.",
		Action: func(c *cli.Context) error {
			shell := c.Args().First()
			if !slices.Contains(shells, shell) || c.NArg() > 1 {
				return Usagef("completion %s: want bash, zsh or fish", shell)
			}
			function := make([]byte, len(app.Name))
			for i := range function {
				if function[i] = app.Name[i]; function[i] == '-' {
					function[i] = '_'
				}
			}
			switch shell {
			case "bash":
				fmt.Fprintf(stdout, bashCompletion, app.Name, function)
			case "zsh":
				fmt.Fprintf(stdout, zshCompletion, app.Name, function)
			case "fish":
				text, err := app.ToFishCompletion()
				if err != nil {
					return err
				}
				fmt.Fprint(stdout, text)
			}
			return nil
		},
	}
}
