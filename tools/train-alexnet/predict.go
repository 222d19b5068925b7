package main

import (
	"encoding/json"
	"fmt"
	"image/png"
	"io"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/infer"
	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/tools/internal/command"
)

// predictCommand classifies pictures.
func predictCommand(stdout, stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "predict",
		Category:  inUse,
		Usage:     "say what is on pictures",
		ArgsUsage: "IMAGE…",
		UsageText: `train-alexnet predict --checkpoint runs/first/checkpoints/best.safetensors cat.jpg holiday/
   find . -name '*.jpg' | train-alexnet predict --checkpoint FILE --json -
   train-alexnet predict --checkpoint a.safetensors --checkpoint b.safetensors --ten-crop --sheet guesses.png holiday/`,
		Description: "Takes picture files, folders of them, and with - a list of files on standard input, one a line. Pictures are\n" +
			"turned upright and brought to a square like those in the shards; the net sees its centre, or with --ten-crop\n" +
			"four corners, the centre and their mirror images. Pictures that cannot be read are named, and the exit code is 3.",
		Flags: append(pictureFlags(200),
			&cli.IntFlag{Name: "top", Value: 5, Usage: "print the `N` most probable classes"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object: pictures (file, guesses) and bad (file, error)"},
			&cli.PathFlag{Name: "sheet", Usage: fmt.Sprintf("draw the first %d pictures with their five best guesses to a PNG `FILE`", sheetPictures)},
			&cli.IntFlag{Name: "batch", Value: 20, Usage: "`N` crops at once"},
		),
		Action: command.Interruptible(func(c *cli.Context) error { return predict(c, stdout, stderr) }),
	}
}

// sheetPictures is the number of pictures on a sheet.
const sheetPictures = 60

// badPicture is a picture that could not be used.
type badPicture struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

// tellBad names pictures that could not be used.
func tellBad(line *command.Line, bad []infer.BadPicture) (told []badPicture) {
	for _, b := range bad {
		told = append(told, badPicture{b.File, command.Address(b.Err).Error()})
		line.Print("%s: %s", b.File, told[len(told)-1].Error)
	}
	return told
}

// prediction is the output of predict for one picture.
type prediction struct {
	File    string        `json:"file"`
	Guesses []infer.Guess `json:"guesses"`
}

func predict(c *cli.Context, stdout, stderr io.Writer) error {
	if c.NArg() == 0 {
		return command.Usagef("no pictures given: name files or folders, or - for a list on standard input (see train-alexnet predict --help)")
	}
	if n := c.Int("top"); n < 1 {
		return command.Usagef("--top %d: want at least 1", n)
	}
	e, err := openEnsemble(c, c.Int("batch"), "")
	if err != nil {
		return err
	}
	defer e.Close()
	files, err := infer.List(c.Args().Slice(), c.App.Reader)
	if err != nil {
		return flagged(err)
	}
	if path := c.Path("sheet"); path != "" {
		if err := command.MayReplace("--sheet", path, command.PNG, files...); err != nil {
			return err
		}
	}
	line := command.NewLine(stderr)
	pictures, err := newReader(c, e, line)
	if err != nil {
		return err
	}
	result := struct {
		Pictures []prediction `json:"pictures"`
		Bad      []badPicture `json:"bad"`
	}{[]prediction{}, []badPicture{}}
	sheet := &infer.Sheet{Size: e.Models()[0].Net.Input.Size}
	err = pictures.Groups(c.Context, files, e.Pictures(), func(g infer.Group) error {
		result.Bad = append(result.Bad, tellBad(line, g.Bad)...)
		if len(g.Squares) == 0 {
			return nil
		}
		probs, err := e.Probabilities(g.Squares)
		if err != nil {
			return err
		}
		for i, name := range g.Names {
			if !infer.Finite(probs[i]) {
				return fmt.Errorf("%s: %w", name, engine.ErrNoNumber)
			}
			p := prediction{File: name, Guesses: e.Top(probs[i], c.Int("top"))}
			if c.Bool("json") {
				result.Pictures = append(result.Pictures, p)
			} else if err := p.print(stdout); err != nil {
				return err
			}
			if c.Path("sheet") != "" && len(sheet.Cells) < sheetPictures {
				sheet.Cells = append(sheet.Cells, infer.Cell{Name: name, Crop: e.Centre(g.Squares[i]), Guesses: e.Top(probs[i], infer.SheetGuesses)})
			}
		}
		line.Update("%d of %d pictures", g.Last, len(files))
		return nil
	})
	if err != nil {
		return err
	}
	line.Clear()
	if c.Bool("json") {
		if err := json.NewEncoder(stdout).Encode(result); err != nil {
			return err
		}
	}
	if path := c.Path("sheet"); path != "" && len(sheet.Cells) > 0 {
		img, err := sheet.Draw()
		if err != nil {
			return err
		}
		if err := file.Write(path, func(w io.Writer) error { return png.Encode(w, img) }); err != nil {
			return fmt.Errorf("--sheet: %w", err)
		}
	}
	return skippedError(len(result.Bad), len(files))
}

// print writes the guesses for people.
func (p prediction) print(w io.Writer) error {
	_, err := printable.Fprintf(w, "%s\n", p.File)
	for _, g := range p.Guesses {
		if err == nil {
			_, err = printable.Fprintf(w, "  %5.1f %%  %s\n", 100*g.Probability, g.String())
		}
	}
	return err
}
