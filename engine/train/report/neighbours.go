package report

import (
	"context"

	"alexnet/engine/infer"
)

// neighbours is the section's data.
type neighbours struct {
	Layer string
	Rows  []infer.Neighbours
}

// neighboursSection shows the training pictures whose features are nearest to those
// of some pictures, as in figure 4 (right) of the paper.
var neighboursSection = Section{
	Slow: true,
	Make: func(ctx context.Context, s *Subject) (any, error) {
		rows, err := infer.FindNeighbours(ctx, s.Model, s.Pictures, s.Train, s.progress("compared"))
		if err != nil || rows == nil {
			return nil, err
		}
		return neighbours{s.Model.Config.Tap, rows}, nil
	},
	HTML: `
<h2>Nearest neighbours in {{.Layer}}</h2>
<p>Left a picture of the guesses above, right the training pictures whose {{.Layer}} outputs lie nearest to its own, with their Euclidean distances, as in figure 4 of the paper. Classes other than the left picture's are red.</p>
<div class="scroll"><table class="neighbours">{{range .Rows}}{{$class := .Query.Class}}
  <tr><td><img alt="{{$class}}" src="{{png .Query.PNG}}"><br>{{$class}}</td>{{range .Nearest}}
    <td{{if ne .Class $class}} class="other"{{end}}><img alt="{{.Class}}" src="{{png .PNG}}"><br>{{.Class}} <small>{{printf "%.3g" .Distance}}</small></td>{{end}}
  </tr>{{end}}
</table></div>
`,
	Style: `  .neighbours td { padding: 0 .9rem 1rem 0; color: #222; font-size: .85rem; max-width: 8rem; overflow-wrap: anywhere; }
  .neighbours td:first-child { padding-right: 2rem; font-weight: 600; }
  .neighbours img { width: 8rem; height: 8rem; display: inline-block; margin-bottom: .2rem; }
  .neighbours small { color: #888; }
  .neighbours .other { color: #b03020; }
`,
}
