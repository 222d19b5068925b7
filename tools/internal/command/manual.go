package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// manualCommand prints the tool's manual page, for man (see man 7 man).
func manualCommand(app *cli.App, stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name: "manual", Usage: "print the manual page for man", Hidden: true,
		Action: func(*cli.Context) error {
			_, err := io.WriteString(stdout, manual(app))
			return err
		},
	}
}

// manual renders the contents of reference, without the table of commands.
func manual(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n", strings.ToUpper(roff(app.Name)), roff(app.Name), roff(app.Usage))
	roffExamples(&b, app.UsageText)
	if app.Description != "" {
		b.WriteString(".SH DESCRIPTION\n")
		roffText(&b, app.Description)
	}
	roffFlags(&b, app.Flags)
	for _, c := range app.Commands {
		if c.Hidden {
			continue
		}
		fmt.Fprintf(&b, ".SH %s\n", roff(strings.ToUpper(c.Name)))
		roffText(&b, strings.ToUpper(c.Usage[:1])+strings.TrimSuffix(c.Usage[1:], ".")+".")
		roffExamples(&b, c.UsageText)
		roffText(&b, c.Description)
		roffFlags(&b, c.Flags)
	}
	return b.String()
}

// roff escapes a line for the page.
var roff = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace

// roffText writes paragraphs.
func roffText(b *strings.Builder, text string) {
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if paragraph != "" {
			fmt.Fprintf(b, ".PP\n%s\n", roffLines(paragraph))
		}
	}
}

// roffExamples writes lines without filling them.
func roffExamples(b *strings.Builder, text string) {
	if text != "" {
		fmt.Fprintf(b, ".PP\n.nf\n%s\n.fi\n", roffLines(examples(text)))
	}
}

func roffFlags(b *strings.Builder, flags []cli.Flag) {
	for _, g := range flagGroups(flags) {
		fmt.Fprintf(b, ".SS %s\n", roff(g.category))
		for _, f := range g.flags {
			fmt.Fprintf(b, ".TP\n\\fB%s\\fR\n%s", roff(f.name), roffLines(f.usage))
			if f.value != "" {
				fmt.Fprintf(b, " (default: %s)", roff(f.value))
			}
			b.WriteByte('\n')
		}
	}
}

// roffLines keeps lines from being read as requests.
func roffLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = roff(strings.TrimRight(line, " "))
		if strings.HasPrefix(line, ".") {
			line = `\&` + line
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}
