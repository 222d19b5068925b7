package report

import (
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
)

// Page is what report.html shows.
type Page struct {
	Title    string
	Figures  []Figure // name and value, the results first
	Settings []Figure
	Curve    []byte // PNG
	Kernels  []byte // PNG
	Split    string // "Validation" or "Training": where Pictures come from
	Pictures []Picture

	Confusion  *Confusion // nil for none
	Layer      string     // whose features Neighbours compare
	Neighbours []Neighbours
}

// Figure is a row of a table.
type Figure struct{ Name, Value string }

// Picture is a validation picture with the net's best guesses, as in figure 4
// of the paper.
type Picture struct {
	PNG     []byte
	Truth   string
	Guesses []Guess // best first
}

// Guess is a class and its probability.
type Guess struct {
	Class string
	Prob  float64
	Right bool
}

// Neighbours are the training pictures whose features are nearest to those of a
// picture, as in figure 4 of the paper.
type Neighbours struct {
	Query   Neighbour
	Nearest []Neighbour // nearest first
}

// Neighbour is a picture and its Euclidean distance from the query.
type Neighbour struct {
	PNG      []byte
	Class    string
	Distance float64
}

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"png": func(b []byte) template.URL {
		return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b))
	},
	"percent": func(p float64) float64 { return 100 * p },
}).Parse(pageText))

// Write writes the page as one HTML file that needs nothing else.
func (p *Page) Write(w io.Writer) error { return pageTemplate.Execute(w, p) }
