package report

import (
	"context"
	"image"
	"slices"

	"alexnet/engine"
	"alexnet/engine/infer"
	"alexnet/pipeline"
)

// guessPictures is the number of pictures with guesses in the report.
const guessPictures = 12

// Guessed is a crop and the softmax output for it.
type Guessed struct {
	infer.Crop
	Probs []float32
}

// GuessPictures classifies pictures spread evenly over a data set.
func GuessPictures(m *engine.Model, d *pipeline.Dataset) ([]Guessed, error) {
	crops, err := infer.Evenly(d, m.Net.Input.Size, guessPictures)
	if err != nil {
		return nil, err
	}
	var out []Guessed
	for part := range slices.Chunk(crops, m.Config.Batch) {
		o, err := m.Infer(infer.Batch(part))
		if err != nil {
			return nil, err
		}
		if !infer.Finite(o.Probs) {
			return nil, engine.ErrNoNumber
		}
		for i, c := range part {
			out = append(out, Guessed{c, slices.Clone(o.Probs[i*m.Net.Classes : (i+1)*m.Net.Classes])})
		}
	}
	return out, nil
}

// GuessSheet draws the guesses as a picture of its own.
func GuessSheet(d *pipeline.Dataset, all []Guessed) (image.Image, error) {
	sheet := &infer.Sheet{Columns: guessPictures / 2}
	for _, g := range all {
		sheet.Size = g.Size
		cell := infer.Cell{Name: g.Class, Crop: g.RGB}
		for _, b := range best(d, g) {
			cell.Guesses = append(cell.Guesses, infer.Guess{Class: b.Class, Probability: b.Prob})
			cell.Right = append(cell.Right, b.Right)
		}
		sheet.Cells = append(sheet.Cells, cell)
	}
	return sheet.Draw()
}

// picture is a picture with the net's best guesses, as in figure 4 of the paper.
type picture struct {
	PNG     []byte
	Truth   string
	Guesses []guess // best first
}

// guess is a class and its probability.
type guess struct {
	Class string
	Prob  float64
	Right bool
}

// guesses is the section's data.
type guesses struct {
	Split    string
	Pictures []picture
}

// guessesSection shows the net's guesses for some pictures.
var guessesSection = Section{
	Make: func(_ context.Context, s *Subject) (any, error) {
		all, err := GuessPictures(s.Model, s.Pictures)
		if err != nil || all == nil {
			return nil, err
		}
		shown := guesses{Split: s.Split}
		for _, g := range all {
			png, err := g.PNG()
			if err != nil {
				return nil, err
			}
			shown.Pictures = append(shown.Pictures, picture{PNG: png, Truth: g.Class, Guesses: best(s.Pictures, g)})
		}
		return shown, nil
	},
	HTML: `
<h2>{{.Split}} pictures and the best guesses</h2>
<p>The right class is green and has a tick.</p>
<div class="pictures">{{range .Pictures}}
  <div class="picture">
    <img alt="{{.Truth}}" src="{{png .PNG}}">
    <div class="truth">{{.Truth}}</div>{{range .Guesses}}
    <div class="guess{{if .Right}} right{{end}}"><div class="bar" style="width:{{printf "%.1f" (percent .Prob)}}%"></div><span>{{if .Right}}✓ {{end}}{{.Class}}</span><span class="share">{{printf "%.1f" (percent .Prob)}} %</span></div>{{end}}
  </div>{{end}}
</div>
`,
	Style: `  .pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: 1.4rem; }
  .picture img { width: 9rem; height: 9rem; image-rendering: auto; display: block; }
  .truth { font-weight: 600; margin: .3rem 0; }
  .guess { position: relative; height: 1.35rem; margin: 2px 0; background: #f4f4f4; font-size: .85rem; }
  .bar { position: absolute; inset: 0 auto 0 0; background: #9db4d6; }
  .right .bar { background: #93c9a0; }
  .guess span { position: relative; padding: 0 .35rem; line-height: 1.35rem; }
  .guess .share { position: absolute; right: 0; }
  @media print { .picture { break-inside: avoid; } }
`,
}

// best returns the five most probable classes.
func best(d *pipeline.Dataset, g Guessed) (top []guess) {
	for _, c := range infer.Top(g.Probs, infer.SheetGuesses) {
		top = append(top, guess{Class: d.Meta().Classes[c].Title(), Prob: float64(g.Probs[c]), Right: c == g.Label})
	}
	return top
}
