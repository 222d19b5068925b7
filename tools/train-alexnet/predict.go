package main

import (
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"runtime"

	"github.com/urfave/cli/v2"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/tools/internal/command"
)

// predictCommand says what is on pictures.
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
		Action: func(c *cli.Context) error { return predict(c, stdout, stderr) },
	}
}

// prediction is what predict prints for one picture.
type prediction struct {
	File    string  `json:"file"`
	Guesses []guess `json:"guesses"`
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
	defer e.close()
	files, err := listPictures(c.Args().Slice(), c.App.Reader)
	if err != nil {
		return err
	}
	if path := c.Path("sheet"); path != "" {
		if err := command.MayReplace("--sheet", path, command.PNG, files...); err != nil {
			return err
		}
	}
	pictures, err := newReader(e.size, c.Float64("max-megapixels"), runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	result := struct {
		Pictures []prediction `json:"pictures"`
		Bad      []badPicture `json:"bad"`
	}{[]prediction{}, []badPicture{}}
	sheet := &guessSheet{size: e.models[0].Net.Input.Size}
	centre := augment.CentreView(e.size, sheet.size)
	line := command.NewLine(stderr)
	pictures.slow = sayingSlow(line)
	for at := 0; at < len(files); at += e.pictures() {
		squares, names, bad := pictures.group(c.Context, files[at:min(at+e.pictures(), len(files))])
		if err := c.Context.Err(); err != nil {
			return err
		}
		for _, b := range bad {
			line.Print("%s: %s", b.File, b.Error)
		}
		result.Bad = append(result.Bad, bad...)
		if len(squares) == 0 {
			continue
		}
		probs, err := e.probabilities(squares)
		if err != nil {
			return err
		}
		for i, name := range names {
			if !finite(probs[i]) {
				return fmt.Errorf("%s: %w", name, engine.ErrNoNumber)
			}
			p := prediction{File: name, Guesses: e.top(probs[i], c.Int("top"))}
			if c.Bool("json") {
				result.Pictures = append(result.Pictures, p)
			} else if err := p.print(stdout); err != nil {
				return err
			}
			if c.Path("sheet") != "" && len(sheet.cells) < sheetPictures {
				crop := make([]byte, sheet.size*sheet.size*3)
				augment.CopyCrop(crop, squares[i], e.size, centre.X, centre.Y, sheet.size, false)
				sheet.cells = append(sheet.cells, sheetCell{name: name, crop: crop, guesses: e.top(probs[i], sheetGuesses)})
			}
		}
		line.Update("%d of %d pictures", at+len(names), len(files))
	}
	line.Clear()
	if c.Bool("json") {
		if err := json.NewEncoder(stdout).Encode(result); err != nil {
			return err
		}
	}
	if path := c.Path("sheet"); path != "" && len(sheet.cells) > 0 {
		img, err := sheet.draw()
		if err != nil {
			return err
		}
		if err := file.Write(path, func(w io.Writer) error { return png.Encode(w, img) }); err != nil {
			return fmt.Errorf("--sheet: %w", err)
		}
	}
	return skippedError(len(result.Bad), len(files))
}

// skippedError is the end of a command that could not use some pictures, which
// have been named.
func skippedError(bad, all int) error {
	if bad == 0 {
		return nil
	}
	return command.WithCode(command.Skipped, fmt.Errorf("%d of %d pictures could not be read", bad, all))
}

// print writes the guesses for people.
func (p prediction) print(w io.Writer) error {
	_, err := printable.Fprintf(w, "%s\n", p.File)
	for _, g := range p.Guesses {
		if err == nil {
			_, err = printable.Fprintf(w, "  %5.1f %%  %s\n", 100*g.Probability, g.text())
		}
	}
	return err
}
