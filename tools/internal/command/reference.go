package command

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// referenceName is the hidden command that prints a tool's page of docs/cli.
const referenceName = "reference"

// referenceCommand prints what --help says of a tool and all its commands, as
// one Markdown page.
func referenceCommand(app *cli.App, stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name: referenceName, Usage: "print the manual page in Markdown", Hidden: true,
		Action: func(*cli.Context) error {
			_, err := io.WriteString(stdout, reference(app))
			return err
		},
	}
}

// reference renders the page.
func reference(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", app.Name)
	section(&b, app.Usage, app.UsageText, app.Description)
	commandTable(&b, app.Commands)
	flagTables(&b, "##", app.Flags)
	for _, c := range app.Commands {
		if c.Hidden {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n", strings.TrimSpace(app.Name+" "+c.Name+" "+c.ArgsUsage))
		section(&b, c.Usage, c.UsageText, c.Description)
		flagTables(&b, "###", c.Flags)
	}
	return b.String()
}

func section(b *strings.Builder, usage, examples, description string) {
	fmt.Fprintf(b, "%s.\n", strings.ToUpper(usage[:1])+strings.TrimSuffix(usage[1:], "."))
	if examples != "" {
		lines := strings.Split(examples, "\n")
		for i, l := range lines {
			lines[i] = strings.TrimPrefix(l, "   ")
		}
		fmt.Fprintf(b, "\n```\n%s\n```\n", strings.Join(lines, "\n"))
	}
	if description != "" {
		fmt.Fprintf(b, "\n%s\n", strings.TrimSpace(description))
	}
}

// commandTable lists commands that have categories, which the help shows them
// by.
func commandTable(b *strings.Builder, commands []*cli.Command) {
	var categories []string
	rows := map[string]string{}
	for _, c := range commands {
		if c.Category == "" || c.Hidden {
			continue
		}
		if rows[c.Category] == "" {
			categories = append(categories, c.Category)
		}
		rows[c.Category] += fmt.Sprintf("| | `%s` | %s |\n", c.Name, c.Usage)
	}
	if categories == nil {
		return
	}
	fmt.Fprint(b, "\n## Commands\n\n| | command | what it does |\n|---|---|---|\n")
	slices.Sort(categories)
	for _, category := range categories {
		b.WriteString("| " + category + strings.TrimPrefix(rows[category], "|"))
	}
}

// flagTables writes a table for every category, in the order of their first
// flags; flags without one come under "Options".
func flagTables(b *strings.Builder, heading string, flags []cli.Flag) {
	var order []string
	rows := map[string][]string{}
	for _, f := range flags {
		row, category := flagRow(f)
		if row == "" {
			continue
		}
		if rows[category] == nil {
			order = append(order, category)
		}
		rows[category] = append(rows[category], row)
	}
	for _, category := range order {
		fmt.Fprintf(b, "\n%s %s\n\n| flag | default | what it does |\n|---|---|---|\n%s", heading, category, strings.Join(rows[category], ""))
	}
}

var placeholder = regexp.MustCompile("`([^`]*)`")

// flagRow is a line of a table; "" for a hidden flag, for --help and --version.
func flagRow(f cli.Flag) (row, category string) {
	d, ok := f.(cli.DocGenerationFlag)
	if v, isVisible := f.(cli.VisibleFlag); !ok || f == cli.HelpFlag || f == cli.VersionFlag || isVisible && !v.IsVisible() {
		return "", ""
	}
	category = "Options"
	if c, ok := f.(cli.CategorizableFlag); ok && c.GetCategory() != "" {
		category = c.GetCategory()
	}
	var names []string
	for _, n := range f.Names() {
		names = append(names, strings.Repeat("-", min(len(n), 2))+n)
	}
	name, value := strings.Join(names, ", "), d.GetDefaultText()
	if d.TakesValue() {
		if p := placeholder.FindStringSubmatch(d.GetUsage()); p != nil {
			name += " " + p[1]
		}
	} else {
		value = ""
	}
	if value != "" {
		value = "`" + strings.Trim(value, `"`) + "`"
	}
	usage := strings.ReplaceAll(placeholder.ReplaceAllString(d.GetUsage(), "$1"), "|", `\|`)
	return fmt.Sprintf("| `%s` | %s | %s |\n", name, value, usage), category
}
