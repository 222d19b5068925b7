// Package command is the shared part of this project's command lines: how they start,
// what their exit codes mean, how Ctrl-C stops them, and how they write progress.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/urfave/cli/v2"

	"alexnet/internal/build"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// Exit codes of every command.
const (
	Done        = 0   // success
	Failed      = 1   // failure
	BadUsage    = 2   // wrong flags or arguments
	Skipped     = 3   // success, but bad inputs were left out and listed in a report
	Interrupted = 130 // stopped by Ctrl-C, SIGTERM or SIGHUP, after saving
)

// Main runs a command as a process and exits with its code. The first Ctrl-C, SIGTERM
// or SIGHUP ends ctx, so that the command saves and returns; a second Ctrl-C or
// SIGTERM ends the process at once. SIGHUP comes when the terminal or the connection
// closes, often more than once or together with SIGTERM, so it never counts as the
// second signal. If it is ignored, as under nohup, it stays ignored.
func Main(run func(ctx context.Context, args []string, stdout, stderr io.Writer) error) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		asked := false // by Ctrl-C or SIGTERM
		for s := range signals {
			switch {
			case s == syscall.SIGHUP:
				signal.Ignore(syscall.SIGPIPE) // the reader of our output may have ended, too
			case asked:
				os.Exit(Interrupted)
			default:
				asked = true
			}
			if ctx.Err() == nil {
				fmt.Fprintln(Prose(os.Stderr), "\n"+stoppingLine())
			}
			cancel()
		}
	}()
	stdout, stderr := printable.NewWriter(os.Stdout), printable.NewWriter(os.Stderr)
	err := run(ctx, os.Args, stdout, stderr)
	os.Exit(Report(os.Args[0], err, stderr))
}

// Report prints an error, if there is one, and returns the exit code: that of an
// error made by WithCode or Usagef, BadUsage for bad settings, Interrupted after a
// cancelled context, else Failed. It prints settings as flags.
func Report(program string, err error, stderr io.Writer) int {
	if err == nil {
		return Done
	}
	code := Failed
	var coded *codedError
	switch {
	case errors.As(err, &coded):
		code = coded.code
	case setting.Invalid(err):
		code = BadUsage
	case errors.Is(err, context.Canceled):
		code = Interrupted
	}
	var reported *reportedError
	if !errors.As(err, &reported) {
		text := strings.ReplaceAll(printable.Error(setting.In(err, setting.Flags{})), context.Canceled.Error(), "interrupted")
		fmt.Fprintf(Prose(stderr), "%s: %s\n", base(program), text)
	}
	return code
}

// reportedError is an error that has been reported.
type reportedError struct{ error }

func (e *reportedError) Unwrap() error { return e.error }

// Reported marks an error that has been printed. Report returns its exit code and prints
// nothing.
func Reported(err error) error {
	if err == nil {
		return nil
	}
	return &reportedError{err}
}

// SkippedPictures is the error of a command that could not read bad of all pictures, and
// has named them. It is nil if bad is 0.
func SkippedPictures(bad, all int) error {
	if bad == 0 {
		return nil
	}
	return WithCode(Skipped, fmt.Errorf("%d of %s could not be read", bad, printable.Count(all, "picture")))
}

// IsSkipped reports whether the work is done, except for bad inputs.
func IsSkipped(err error) bool {
	var coded *codedError
	return errors.As(err, &coded) && coded.code == Skipped
}

// codedError is an error with its own exit code.
type codedError struct {
	code int
	error
}

func (e *codedError) Unwrap() error { return e.error }

// WithCode gives an error an exit code.
func WithCode(code int, err error) error { return &codedError{code, err} }

// Usagef returns an error about wrong flags or arguments, exit code 2.
func Usagef(format string, values ...any) error {
	return WithCode(BadUsage, fmt.Errorf(format, values...))
}

// Run runs an application of urfave/cli so that it writes to stdout and stderr only,
// never exits by itself, and reports bad flags and stray arguments as usage errors in
// one line. "help COMMAND" is read as "COMMAND --help". It adds the commands that every
// tool has: one for shell completion, and hidden ones for the page in docs/cli and the
// manual page.
func Run(ctx context.Context, app *cli.App, args []string, stdout, stderr io.Writer) error {
	if afterDashes(args) {
		return nil
	}
	app.Writer, app.ErrWriter = stdout, stderr
	app.ExitErrHandler = func(*cli.Context, error) {}
	u := usage{args}
	app.OnUsageError = u.wrong
	app.HideHelpCommand = true
	app.Version = build.About()
	app.EnableBashCompletion = true
	app.Commands = append(app.Commands, completionCommand(app, stdout), referenceCommand(app, stdout), manualCommand(app, stdout))
	if app.ArgsUsage == "" {
		app.Before = u.strays(app.Before, app.Commands)
	}
	if propose(app, args, stdout) {
		return nil
	}
	if len(args) > 0 && args[len(args)-1] == completing {
		os.Unsetenv("SHELL") // for zsh the library would add descriptions, which our scripts can't use
	}
	if len(args) > 1 && args[1] == "help" && args[len(args)-1] != completing {
		args = append(slices.Concat(args[:1], args[2:]), "--help")
	}
	printing.Do(func() { cli.HelpPrinter = wrapped })
	app.UsageText = examples(app.UsageText)
	quiet(app.Flags)
	u.prepare(app.Commands)
	return nearValue(app, args, Address(app.RunContext(ctx, decimal(app, flagsFirst(app, args)))))
}

// printing sets the library's printer of help, which is one for the process.
var printing sync.Once

// examples removes the indentation of a usage text, because the library indents it
// itself.
func examples(text string) string { return strings.ReplaceAll(text, "\n   ", "\n") }

// quiet leaves "(default: false)" out of the help.
func quiet(flags []cli.Flag) {
	for _, f := range flags {
		if b, ok := f.(*cli.BoolFlag); ok {
			b.DisableDefaultText = true
		}
	}
}

func base(program string) string {
	for i := len(program) - 1; i >= 0; i-- {
		if os.IsPathSeparator(program[i]) {
			return program[i+1:]
		}
	}
	return program
}
