package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/engine/feed"
	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/data"
)

// featuresCommand writes what a layer makes of pictures.
func featuresCommand(stderr io.Writer) *cli.Command {
	var access data.Access
	return &cli.Command{
		Name:      "features",
		Category:  inUse,
		Usage:     "write a layer's output for pictures, as vectors for numpy",
		ArgsUsage: "IMAGE…",
		UsageText: `train-alexnet features --checkpoint FILE --out holiday.npy holiday/
   train-alexnet features --checkpoint FILE --data shards/val --out val.npy
   python -c 'import numpy; print(numpy.load("val.npy", mmap_mode="r").shape)'`,
		Description: "Writes one row a picture, float32, to --out, and the pictures' names in the same order, one a line, to a file\n" +
			"beside it that ends in .txt. A row is the layer's output behind its activation and before dropout: 4096 numbers\n" +
			"for alexnet's fc7, whose distances say what looks alike to the net (figure 4 of the paper). Pictures that cannot\n" +
			"be read are named and left out, and the exit code is 3.",
		Flags: slices.Concat(pictureFlags(200), []cli.Flag{
			&cli.PathFlag{Name: "data", Usage: "`DIR` of shards to look at, or their address, instead of picture files"},
			&cli.StringFlag{Name: "layer", Value: "fc7", Usage: "`NAME` of a layer with weights"},
			&cli.PathFlag{Name: "out", Usage: "write the vectors to `FILE`, .npy"},
			&cli.IntFlag{Name: "batch", Value: 20, Usage: "`N` crops at once"},
		}, access.Flags("")),
		Action: func(c *cli.Context) error { return features(c, &access, stderr) },
	}
}

func features(c *cli.Context, access *data.Access, stderr io.Writer) (err error) {
	out := c.Path("out")
	switch {
	case filepath.Ext(out) != ".npy":
		return command.Usagef("--out %s: want a file that ends in .npy", out)
	case len(c.StringSlice("checkpoint")) > 1:
		return command.Usagef("--checkpoint: the layers of several nets have nothing in common: give one")
	case c.Bool("ten-crop"):
		return command.Usagef("--ten-crop: features are those of the centre crop")
	case (c.Path("data") == "") == (c.NArg() == 0):
		return command.Usagef("give pictures (files, folders, or - for a list on standard input), or shards by --data")
	}
	e, err := openEnsemble(c, c.Int("batch"), c.String("layer"))
	if err != nil {
		return err
	}
	defer e.close()
	if err := command.MayReplace("--out", out, command.NPY); err != nil {
		return err
	}
	table, err := newVectorFile(out)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer func() { table.abandon() }()
	line := command.NewLine(stderr)
	bad, all := 0, 0
	if dir := c.Path("data"); dir != "" {
		err = shardFeatures(c.Context, access, e, dir, table, line)
	} else {
		bad, all, err = pictureFeatures(c, e, table, line)
	}
	line.Clear()
	if err != nil {
		return err
	}
	if err := table.commit(); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	printable.Fprintf(stderr, "wrote %s: %d vectors of %d numbers\n", out, table.rows, table.width)
	return skippedError(bad, all)
}

// pictureFeatures looks at the files that the arguments name.
func pictureFeatures(c *cli.Context, e *ensemble, table *vectorFile, line *command.Line) (bad, all int, err error) {
	files, err := listPictures(c.Args().Slice(), c.App.Reader)
	if err != nil {
		return 0, 0, err
	}
	pictures, err := newReader(e.size, c.Float64("max-megapixels"), runtime.GOMAXPROCS(0))
	if err != nil {
		return 0, 0, err
	}
	pictures.slow = sayingSlow(line)
	m := e.models[0]
	for at := 0; at < len(files); at += e.rows {
		squares, names, missed := pictures.group(c.Context, files[at:min(at+e.rows, len(files))])
		if err := c.Context.Err(); err != nil {
			return 0, 0, err
		}
		for _, b := range missed {
			line.Print("%s: %s", b.File, b.Error)
		}
		bad += len(missed)
		if len(squares) == 0 {
			continue
		}
		_, vectors, err := m.Features(e.batch(m, squares))
		if err != nil {
			return 0, 0, err
		}
		if err := table.add(vectors, names); err != nil {
			return 0, 0, err
		}
		line.Update("%d of %d pictures", at+len(names), len(files))
	}
	if bad == len(files) {
		return 0, 0, errors.New("none of the pictures could be read")
	}
	return bad, len(files), nil
}

// shardFeatures looks at every sample of a folder of shards, in stored order.
// The shards may be of other classes than the net's.
func shardFeatures(ctx context.Context, access *data.Access, e *ensemble, dir string, table *vectorFile, line *command.Line) error {
	d, err := access.Open(ctx, dir, noted(line))
	if err != nil {
		return err
	}
	defer d.Close()
	m := e.models[0]
	f, err := feed.OnePass(m, d, pipeline.LoaderConfig{Batch: e.rows, Crop: m.Net.Input.Size})
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		b, err := f.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b.Labels = make([]int32, b.Images)
		_, vectors, err := m.Features(b)
		if err != nil {
			return err
		}
		var names []string
		for i := range b.Images {
			s, err := d.Sample(table.rows + i)
			if err != nil {
				return err
			}
			names = append(names, s.Name)
		}
		if err := table.add(vectors, names); err != nil {
			return err
		}
		line.Update("%d of %d pictures", table.rows, d.Len())
	}
}

// vectorFile is a .npy of float32 rows and the .txt of their names, which
// appear under their own names when both are complete.
type vectorFile struct {
	path        string // of the .npy
	vectors     *file.Pending
	names       *file.Pending
	out, list   *bufio.Writer
	rows, width int
}

// npyHeader is the length of the header that is reserved before the rows: it
// states how many there are, which is known at the end.
const npyHeader = 128

// namesPath is the file of the names.
func (v *vectorFile) namesPath() string { return strings.TrimSuffix(v.path, ".npy") + ".txt" }

func newVectorFile(path string) (*vectorFile, error) {
	v := &vectorFile{path: path}
	var err error
	if v.vectors, err = file.Create(path); err != nil {
		return nil, err
	}
	if v.names, err = file.Create(v.namesPath()); err != nil {
		v.abandon()
		return nil, err
	}
	v.out, v.list = bufio.NewWriterSize(v.vectors, 1<<20), bufio.NewWriter(v.names)
	_, err = v.out.Write(make([]byte, npyHeader))
	return v, err
}

// add appends rows, one for each name.
func (v *vectorFile) add(vectors []float32, names []string) error {
	v.width = len(vectors) / len(names)
	v.rows += len(names)
	if err := binary.Write(v.out, binary.LittleEndian, vectors); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := fmt.Fprintln(v.list, strings.ReplaceAll(name, "\n", "\\n")); err != nil {
			return err
		}
	}
	return nil
}

// commit writes the header and gives both files their names.
func (v *vectorFile) commit() error {
	// NumPy's format 1.0: magic, version, u16 length of the text, text padded to
	// a multiple of 64 with a line feed at its end.
	text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", v.rows, v.width)
	head := fmt.Sprintf("\x93NUMPY\x01\x00%c%c%-*s\n", byte(npyHeader-10), 0, npyHeader-11, text)
	if err := errors.Join(v.out.Flush(), v.list.Flush()); err != nil {
		return err
	}
	if _, err := v.vectors.WriteAt([]byte(head), 0); err != nil {
		return err
	}
	return errors.Join(v.names.Commit(), v.vectors.Commit())
}

// abandon removes what commit has not named.
func (v *vectorFile) abandon() {
	for _, f := range []*file.Pending{v.vectors, v.names} {
		if f != nil {
			f.Abort()
		}
	}
}
