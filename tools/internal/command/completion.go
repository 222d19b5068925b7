package command

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completing is the last argument if a shell asks for proposals.
const completing = "--generate-bash-completion"

// Shell functions that ask the program for proposals; %[1]s is its name. If it has none,
// they complete files. bash also divides words at "=" and ":", which its function undoes;
// in a list with commas the last word is completed. None of them expands the program's
// output: compgen -W would run $(commands) in it.
const (
	bashCompletion = `_%[2]s() {
  local line=${COMP_LINE:0:COMP_POINT} word words proposals proposal before=
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  word=${words[-1]}
  unset 'words[-1]'
  if [[ $word == --*=* ]]; then words+=("${word%%%%=*}"); word=${word#*=}; fi
  [[ $word == -* ]] && words+=(-)
  proposals=$("${words[@]}" ` + completing + ` 2>/dev/null)
  if [[ $word == *,* ]]; then before=${word%%,*},; word=${word##*,}; fi
  COMPREPLY=()
  while IFS= read -r proposal; do
    [[ -n $proposal && $proposal == "$word"* ]] && printf -v proposal %%q "$proposal" && COMPREPLY+=("$before$proposal")
  done <<< "$proposals"
  local part=${COMP_WORDS[COMP_CWORD]}
  [[ $part == = ]] && part=
  local divided=$before$word
  divided=${divided%%"$part"}
  [[ -n $divided ]] && COMPREPLY=("${COMPREPLY[@]#"$divided"}")
}
complete -o bashdefault -o default -F _%[2]s %[1]s
`
	zshCompletion = `#compdef %[1]s
compdef _%[1]s %[1]s
_%[1]s() {
  local word=${words[CURRENT]} proposals
  local call=(${words[1,CURRENT-1]})
  if [[ $word == --*=* ]]; then call+=(${word%%%%=*}); compset -P '*='; word=${word#*=}; fi
  [[ $word == -* ]] && call+=(-)
  [[ $word == *,* ]] && compset -P '*,'
  proposals=("${(@f)$(${call} ` + completing + ` 2>/dev/null)}")
  if [[ -n ${proposals[1]} ]]; then compadd -- ${proposals}; else _files; fi
}
# As a file of $fpath this is the function itself, which completes at its first call too.
if [[ $funcstack[1] == _%[1]s ]]; then _%[1]s; fi
`
	fishCompletion = `function __%[2]s_proposals
  set -l call (commandline -opc)
  set -l word (commandline -ct)
  set -l before ''
  if string match -qr -- '^--[^=]*=' $word
    set -a call (string replace -r -- '=.*' '' $word)
    set before (string replace -r -- '=.*' '=' $word)
    set word (string replace -r -- '^[^=]*=' '' $word)
  else if string match -q -- '-*' $word
    set -a call -
  end
  if string match -q -- '*,*' $word
    set before $before(string replace -r -- '[^,]*$' '' $word)
  end
  for proposal in (command $call ` + completing + ` 2>/dev/null)
    test -n "$proposal"; and echo -- $before$proposal
  end
end
function __%[2]s_any
  set -l proposals (__%[2]s_proposals)
  test (count $proposals) -gt 0
end
complete -c %[1]s -n __%[2]s_any -f -a '(__%[2]s_proposals)'
`
	powershellCompletion = `Register-ArgumentCompleter -Native -CommandName '%[1]s' -ScriptBlock {
  param($word, $line, $cursor)
  $words = @($line.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.Extent.Text })
  $program, $words = $words
  $words = @($words | Where-Object { $_ })
  if ($word.StartsWith('-')) { $words += '-' }
  & $program @words ` + completing + ` 2>$null | Where-Object { $_ -like "$word*" } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
`
)

// afterDashes reports whether a shell asks for proposals after "--". There are none, and
// the library would take the shell's question for an argument and run the command.
func afterDashes(args []string) bool {
	return len(args) > 0 && args[len(args)-1] == completing && slices.Contains(args, "--")
}

// completionCommand prints a script with a shell's completion of the tool's commands and
// flags.
func completionCommand(app *cli.App, stdout io.Writer) *cli.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	category := ""
	if slices.ContainsFunc(app.Commands, func(c *cli.Command) bool { return c.Category != "" }) {
		category = "Shell"
	}
	return &cli.Command{
		Name:      "completion",
		Category:  category,
		Usage:     "print a script for shell completion",
		ArgsUsage: strings.Join(shells, "|"),
		UsageText: fmt.Sprintf("source <(%[1]s completion bash)\n   %[1]s completion fish > ~/.config/fish/completions/%[1]s.fish", app.Name),
		Description: "Put the first line into ~/.bashrc, or the same with zsh into ~/.zshrc, after compinit. For PowerShell put\n" +
			app.Name + " completion powershell | Out-String | Invoke-Expression into the file that $PROFILE names.",
		Action: func(c *cli.Context) error {
			shell := c.Args().First()
			if !slices.Contains(shells, shell) || c.NArg() > 1 {
				return Usagef("%s: want bash, zsh, fish or powershell", strings.TrimSpace("completion "+shell))
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
			case "powershell":
				fmt.Fprintf(stdout, powershellCompletion, app.Name)
			case "fish":
				fmt.Fprintf(stdout, fishCompletion, app.Name, function)
			}
			return nil
		},
	}
}
