package infer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"alexnet/engine"
	"alexnet/internal/printable"
	"alexnet/pipeline"
)

// Prediction is the result of nets for a picture file.
type Prediction struct {
	File    string  `json:"file"`
	Guesses []Guess `json:"guesses"` // the most probable first
}

// Print writes the guesses for people.
func (p Prediction) Print(w io.Writer) error {
	_, err := printable.Fprintf(w, "%s\n", p.File)
	for _, g := range p.Guesses {
		if err == nil {
			_, err = printable.Fprintf(w, "  %5.1f %%  %s\n", 100*g.Probability, g.String())
		}
	}
	return err
}

// Seen is a picture file that the nets have seen. It is valid until the function that
// gets it returns; what its methods return stays.
type Seen struct {
	file   string
	square []byte
	probs  []float64
	e      *Ensemble
}

// Prediction returns the n most probable classes.
func (s Seen) Prediction(n int) Prediction { return Prediction{s.file, s.e.Top(s.probs, n)} }

// Cell returns the picture with its best guesses, for a Sheet of Ensemble.NewSheet.
func (s Seen) Cell() Cell {
	return Cell{Name: s.file, Crop: s.e.Centre(s.square), Guesses: s.e.Top(s.probs, SheetGuesses)}
}

// NewSheet returns an empty sheet for pictures as the first net sees them.
func (e *Ensemble) NewSheet() *Sheet { return &Sheet{Size: e.models[0].Net.Input.Size} }

// Files are picture files to be used, many at a time.
type Files struct {
	Names []string // see List
	// Reader reads them. It makes squares of Ensemble.Size pixels a side.
	Reader *Reader
	// Bad receives a picture that can't be read, before those that are read with it;
	// nil drops it.
	Bad func(BadPicture)
	// Progress, if not nil, receives how many of the files were read.
	Progress func(done int)
}

// groups calls use with the good pictures of each group.
func (f Files) groups(ctx context.Context, e *Ensemble, use func(Group) error) (bad int, err error) {
	err = f.Reader.Groups(ctx, f.Names, e.Pictures(), func(g Group) error {
		bad += len(g.Bad)
		for _, b := range g.Bad {
			if f.Bad != nil {
				f.Bad(b)
			}
		}
		if len(g.Squares) == 0 {
			return nil
		}
		if err := use(g); err != nil {
			return err
		}
		if f.Progress != nil {
			f.Progress(g.Last)
		}
		return nil
	})
	return bad, err
}

// ClassifyFiles calls use with each picture that can be read, in the order of the
// files. It returns how many can't be read. It stops at the first error of use, with
// ctx's error, or with engine.ErrNoNumber if a net's output is not a number.
func (e *Ensemble) ClassifyFiles(ctx context.Context, f Files, use func(Seen) error) (bad int, err error) {
	return f.groups(ctx, e, func(g Group) error {
		probs, err := e.Probabilities(g.Squares)
		if err != nil {
			return err
		}
		for i, name := range g.Names {
			if !Finite(probs[i]) {
				return fmt.Errorf("%s: %w", name, engine.ErrNoNumber)
			}
			if err := use(Seen{name, g.Squares[i], probs[i], e}); err != nil {
				return err
			}
		}
		return nil
	})
}

// FileVectors writes the features of each picture that can be read to v, in the order
// of the files. It returns how many can't be read; none at all is an error.
func (e *Ensemble) FileVectors(ctx context.Context, f Files, v *VectorFile) (bad int, err error) {
	bad, err = f.groups(ctx, e, func(g Group) error {
		vectors, err := e.Features(g.Squares)
		if err != nil {
			return err
		}
		return v.Add(vectors, g.Names)
	})
	if err == nil && bad == len(f.Names) {
		err = errors.New("none of the pictures could be read")
	}
	return bad, err
}

// DatasetVectors writes the features of every sample of d to v, in stored order.
// progress, if not nil, receives how many are written already.
func (e *Ensemble) DatasetVectors(ctx context.Context, d *pipeline.Dataset, v *VectorFile, progress func(done int)) error {
	return e.DatasetFeatures(ctx, d, func(vectors []float32, names []string) error {
		if progress != nil {
			progress(v.Rows)
		}
		return v.Add(vectors, names)
	})
}
