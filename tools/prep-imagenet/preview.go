package main

import (
	"image"
	"image/png"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"alexnet/augment"
	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/pipeline/shards"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/data"
)

const previewDescription = `Draws one picture as training presents it in eight epochs: cropped, mirrored, with colour noise if --pca is
given, and with the augmentations that train-alexnet's flags of the same names choose.`

func previewCommand(stdout, stderr io.Writer) *cli.Command {
	var out, pcaPath string
	var sample, epochs int
	var access shards.Access
	var augmentations augment.Settings
	c := pipeline.LoaderConfig{Train: true}
	return &cli.Command{
		Name:        "preview",
		Usage:       "draw what augmentation makes of a picture",
		ArgsUsage:   "DIR",
		Description: previewDescription,
		UsageText: `prep-imagenet preview --augmented out.png --pca pca.json shards/train
   prep-imagenet preview --augmented out.png --crop resized --jitter 0.4,0.4,0.4 shards/train`,
		Flags: slices.Concat([]cli.Flag{
			&cli.PathFlag{Name: "augmented", Usage: "write the presentations to `FILE`.png", Destination: &out},
			&cli.PathFlag{Name: "pca", Usage: "colour statistics `FILE` made by compute-pca; without it there is no colour noise", Destination: &pcaPath},
			&cli.IntFlag{Name: "sample", Usage: "`NUMBER` of the picture, from 0", Destination: &sample},
			&cli.IntFlag{Name: "epochs", Value: 8, Usage: "`N` presentations", Destination: &epochs},
			&cli.IntFlag{Name: "pixels", Value: 224, Usage: "`PIXELS` a side of a presentation", Destination: &c.Crop},
			&cli.Float64Flag{Name: "sigma", Value: augment.DefaultSigma, Usage: "standard deviation of the noise: `FACTOR` on the standard deviation along the axis; more shows it better", Destination: &c.Sigma},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`SEED` of the training run", Destination: &c.Seed},
		}, command.AugmentFlags(&augmentations, ""), data.Flags(&access, "")),
		Action: func(ctx *cli.Context) error {
			dir, err := oneFolder(ctx)
			if err != nil {
				return err
			}
			if out == "" {
				return command.Usagef("--augmented is required: give the picture a name, such as preview.png (see prep-imagenet preview --help)")
			}
			if c.Augment, err = command.Augmentations(&augmentations); err != nil {
				return err
			}
			if epochs < 1 {
				return command.Usagef("--epochs %d: want at least 1", epochs)
			}
			if pcaPath != "" {
				pca, err := augment.ReadPCA(pcaPath)
				if err != nil {
					return err
				}
				c.PCA = &pca
			}
			if err := command.MayReplace("--augmented", out, command.PNG); err != nil {
				return err
			}
			d, err := access.Open(ctx.Context, dir, note(stderr))
			if err != nil {
				return err
			}
			defer d.Close()
			sheet, err := pipeline.Preview(d, c, sample, epochs)
			if err != nil {
				return err
			}
			if err := writePNG(out, sheet); err != nil {
				return err
			}
			s, err := d.Sample(sample)
			if err != nil {
				return err
			}
			_, err = printable.Fprintf(stdout, "%s: sample %d, %s, in epochs 0 to %d\n", out, sample, s.Name, epochs-1)
			return err
		},
	}
}

// writePNG writes a picture. It gets its name when it is complete.
func writePNG(path string, picture image.Image) error {
	if err := file.Write(path, func(w io.Writer) error { return png.Encode(w, picture) }); err != nil {
		return file.Doing("write "+path, err)
	}
	return nil
}
