package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"alexnet/engine/infer"
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

func predict(c *cli.Context, stdout, stderr io.Writer) error {
	if c.NArg() == 0 {
		return command.Usagef("no pictures given: name files or folders, or - for a list on standard input (see train-alexnet predict --help)")
	}
	if n := c.Int("top"); n < 1 {
		return command.Usagef("--top %d: want at least 1", n)
	}
	path := c.Path("sheet")
	if path != "" {
		if err := command.MayReplace("--sheet", path, command.PNG); err != nil {
			return err
		}
	}
	e, err := openEnsemble(c, c.Int("batch"), "")
	if err != nil {
		return err
	}
	defer e.Close()
	line := command.NewLine(stderr)
	result := struct {
		Pictures []infer.Prediction `json:"pictures"`
		Bad      []infer.BadPicture `json:"bad"`
	}{[]infer.Prediction{}, []infer.BadPicture{}}
	files, err := pictureFiles(c, e, line, func(b infer.BadPicture) { result.Bad = append(result.Bad, b) })
	if err != nil {
		return err
	}
	sheet := e.NewSheet()
	if path != "" {
		if err := command.MayReplace("--sheet", path, command.PNG, files.Names...); err != nil {
			return err
		}
	}
	bad, err := e.ClassifyFiles(c.Context, files, func(s infer.Seen) error {
		if path != "" && len(sheet.Cells) < sheetPictures {
			sheet.Cells = append(sheet.Cells, s.Cell())
		}
		p := s.Prediction(c.Int("top"))
		if c.Bool("json") {
			result.Pictures = append(result.Pictures, p)
			return nil
		}
		return p.Print(stdout)
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
	if len(sheet.Cells) > 0 {
		if err := sheet.Write(path); err != nil {
			return fmt.Errorf("--sheet: %w", err)
		}
	}
	return command.SkippedPictures(bad, len(files.Names))
}
