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

// referenceCommand prints the help of a tool and all its commands as one Markdown page.
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

// commandTable lists commands by their categories in the help.
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

// flagTables writes a table for every category.
func flagTables(b *strings.Builder, heading string, flags []cli.Flag) {
	for _, g := range flagGroups(flags) {
		fmt.Fprintf(b, "\n%s %s\n\n| flag | default | what it does |\n|---|---|---|\n", heading, g.category)
		for _, f := range g.flags {
			value := f.value
			if value != "" {
				value = "`" + value + "`"
			}
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.name, value, strings.ReplaceAll(f.usage, "|", `\|`))
		}
	}
}

// flagGroup is the flags of a category, for documents.
type flagGroup struct {
	category string
	flags    []flagText
}

// flagText is a flag's names with its placeholder, its default, and its usage.
type flagText struct{ name, value, usage string }

// flagGroups returns the visible flags by category, in the order of their first flags;
// flags without one come under "Options". --help and --version are left out.
func flagGroups(flags []cli.Flag) []flagGroup {
	var groups []flagGroup
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if v, isVisible := f.(cli.VisibleFlag); !ok || f == cli.HelpFlag || f == cli.VersionFlag || isVisible && !v.IsVisible() {
			continue
		}
		category := "Options"
		if c, ok := f.(cli.CategorizableFlag); ok && c.GetCategory() != "" {
			category = c.GetCategory()
		}
		i := slices.IndexFunc(groups, func(g flagGroup) bool { return g.category == category })
		if i < 0 {
			i = len(groups)
			groups = append(groups, flagGroup{category: category})
		}
		groups[i].flags = append(groups[i].flags, describe(f, d))
	}
	return groups
}

var placeholder = regexp.MustCompile("`([^`]*)`")

func describe(f cli.Flag, d cli.DocGenerationFlag) flagText {
	var names []string
	for _, n := range f.Names() {
		names = append(names, strings.Repeat("-", min(len(n), 2))+n)
	}
	text := flagText{name: strings.Join(names, ", "), usage: placeholder.ReplaceAllString(d.GetUsage(), "$1")}
	if d.TakesValue() {
		text.value = strings.Trim(d.GetDefaultText(), `"`)
		if p := placeholder.FindStringSubmatch(d.GetUsage()); p != nil {
			text.name += " " + p[1]
		}
	}
	return text
}
