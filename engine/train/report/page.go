package report

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"io"

	"alexnet/engine"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline"
)

// Subject is the data of a report.
type Subject struct {
	Title    string
	Figures  []Figure // name and value, the results first
	Settings []Figure
	Metrics  []engine.Metrics

	Model    *engine.Model     // for inference; its tap, if any, is what neighbours compare
	Pictures *pipeline.Dataset // to show what the net makes of
	Split    string            // "Validation" or "Training": what Pictures are of
	Train    *pipeline.Dataset // where neighbours are looked for

	// Quick leaves out the sections that take passes over the data.
	Quick bool
	// Progress, if not nil, is called during such a pass.
	Progress func(what string, done, total int)
	// Tell, if not nil, is told the findings, which the page has too.
	Tell func(finding setting.Text)
	// Words name settings in the findings; nil uses their keys in run.json.
	Words setting.Words

	outcomes []outcome
}

// Figure is a row of a table.
type Figure struct{ Name, Value string }

// Section is a part of the page. Each has its own file and a row of sections.
type Section struct {
	// Make returns the data for HTML; nil leaves the section out.
	Make func(context.Context, *Subject) (any, error)
	// HTML is the template of Make's result. It may call png, which returns the
	// address of a picture, chart, which shows one, and percent.
	HTML string
	// Style is the section's CSS.
	Style string
	// Slow says that Make takes passes over the data.
	Slow bool
}

// sections lists the parts of the page in their order.
var sections = []Section{
	findingsSection,
	curveSection,
	recipeSection,
	kernelsSection,
	guessesSection,
	confusionSection,
	calibrationSection,
	neighboursSection,
	settingsSection,
}

//go:embed page.html
var pageText string

var pageTemplate = template.Must(parse("page", pageText))

func parse(name, text string) (*template.Template, error) {
	return template.New(name).Funcs(template.FuncMap{
		"png":     pngAddress,
		"chart":   func(about string, c *chart) template.HTML { return c.picture(about) },
		"percent": func(p float64) float64 { return 100 * p },
	}).Parse(text)
}

// Write writes the page about s: one HTML file that needs nothing else.
func Write(ctx context.Context, w io.Writer, s *Subject) error {
	page := page{Title: s.Title, Figures: s.Figures}
	for _, part := range sections {
		if part.Slow && s.Quick {
			continue
		}
		shown, err := part.Make(ctx, s)
		if err == nil && shown != nil {
			err = page.add(part, shown)
		}
		if err != nil {
			return err
		}
	}
	return page.write(w)
}

// page is the data of page.html.
type page struct {
	Title   string
	Figures []Figure
	Styles  []template.CSS
	Parts   []template.HTML
}

// write writes the page, with nothing that a terminal or an editor acts on.
func (p *page) write(w io.Writer) error { return pageTemplate.Execute(printable.NewWriter(w), p) }

// add adds a section with the result of its Make.
func (p *page) add(s Section, shown any) error {
	t, err := parse("section", s.HTML)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, shown); err != nil {
		return err
	}
	p.Parts = append(p.Parts, template.HTML(b.String()))
	p.Styles = append(p.Styles, template.CSS(s.Style))
	return nil
}

func (s *Subject) progress(what string) func(done, total int) {
	return func(done, total int) {
		if s.Progress != nil {
			s.Progress(what, done, total)
		}
	}
}
