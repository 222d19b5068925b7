package main

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/internal/file"
	"alexnet/internal/plaintext"
	"alexnet/tools/internal/command"
)

// tenViews is the number of the paper's test views (§4.1).
const tenViews = 10

// modelFlags are the flags of every command that uses trained nets.
func modelFlags() []cli.Flag {
	const category = "Net"
	return append([]cli.Flag{
		&cli.StringSliceFlag{Name: "checkpoint", Category: category, Usage: "checkpoint `FILE`; given several times, the nets' softmax outputs are averaged"},
	}, deviceFlags(category)...)
}

// pictureFlags are the flags of the commands that look at picture files.
func pictureFlags(maxMegapixels float64) []cli.Flag {
	const category = "Pictures"
	return append(modelFlags(),
		&cli.IntFlag{Name: "size", Category: category, Usage: "bring pictures to squares of `PIXELS` a side first; 0 is the size of the shards that the net was trained on"},
		&cli.Float64Flag{Name: "max-megapixels", Category: category, Value: maxMegapixels, Usage: "refuse larger pictures unread: `N` million pixels"},
		&cli.BoolFlag{Name: "ten-crop", Category: category, Usage: "average over the paper's ten crops instead of the centre alone"},
		&cli.PathFlag{Name: "names", Category: category, Usage: "`FILE` with a line \"id name\" for each class, such as Kaggle's LOC_synset_mapping.txt"},
	)
}

// ensemble is one or more trained nets of the same classes on their devices.
type ensemble struct {
	models  []*engine.Model
	classes []string // ids; index = label
	names   map[string]string
	size    int // pixels a side of the squares that the crops are cut from
	trained int // pixels a side of the pictures that a net was trained on; 0: not known
	views   int // of each picture: 1, the centre, or ten
	rows    int // crops that the models take at once
}

// openEnsemble opens the checkpoints that the flags name. The models take rows
// crops at once; tap names the layer whose output is wanted, if any.
func openEnsemble(c *cli.Context, rows int, tap string) (*ensemble, error) {
	paths := c.StringSlice("checkpoint")
	if len(paths) == 0 {
		return nil, command.Usagef("--checkpoint is required: give a file from a run's checkpoints folder (see train-alexnet %s --help)", c.Command.Name)
	}
	if most := c.Float64("max-megapixels"); c.IsSet("max-megapixels") && !(most > 0) {
		return nil, command.Usagef("--max-megapixels %v: want a number above 0", most)
	}
	if size := c.Int("size"); size != 0 && (size < 8 || size > mostSize) {
		return nil, command.Usagef("--size %d: want 8 to %d pixels, or 0", size, mostSize)
	}
	e := &ensemble{size: c.Int("size"), views: 1, rows: rows}
	if c.Bool("ten-crop") {
		e.views = tenViews
	}
	if rows < e.views {
		return nil, command.Usagef("--batch %d: want at least %d, the crops of one picture", rows, e.views)
	}
	if path := c.Path("names"); path != "" {
		var err error
		if e.names, err = readNames(path); err != nil {
			return nil, err
		}
	}
	list, options := chosenDevices(c)
	for _, path := range paths {
		m, state, err := openCheckpoint(path, list, options, rows, tap)
		classes := state.Classes
		if err == nil && e.models != nil && !slices.Equal(classes, e.classes) {
			err = fmt.Errorf("checkpoint %s has %d classes (%s …), %s has %d (%s …): an ensemble's nets have the same classes",
				path, len(classes), first(classes), paths[0], len(e.classes), first(e.classes))
			m.Close()
		}
		if err != nil {
			e.close()
			return nil, err
		}
		e.models, e.classes = append(e.models, m), classes
		if e.size == 0 {
			e.size = state.PictureSize
		}
		if e.trained == 0 {
			e.trained = state.PictureSize
		}
	}
	largest := e.models[0].Net
	for _, m := range e.models {
		if m.Net.Input.Size > largest.Input.Size {
			largest = m.Net
		}
	}
	if e.size == 0 {
		e.size = largest.PictureSize() // where the checkpoint doesn't say
	}
	if e.size < largest.Input.Size {
		e.close()
		return nil, command.Usagef("--size %d: the net reads %d pixels a side", e.size, largest.Input.Size)
	}
	return e, nil
}

// openModel makes a model for inference from a checkpoint, and returns its
// classes.
func openModel(path, list string, batch, threads int, tap string) (*engine.Model, []string, error) {
	m, state, err := openCheckpoint(path, list, devices.Options{Threads: threads}, batch, tap)
	return m, state.Classes, err
}

// openCheckpoint makes a model for inference from a checkpoint, and returns what
// else the checkpoint says.
func openCheckpoint(path, list string, o devices.Options, batch int, tap string) (*engine.Model, engine.Checkpoint, error) {
	var none engine.Checkpoint
	file, err := engine.OpenCheckpoint(path)
	if err != nil {
		return nil, none, err
	}
	defer file.Close()
	contexts, err := openDevices(list, o)
	if err != nil {
		return nil, none, err
	}
	m, err := engine.NewModel(file.Net, contexts, engine.ModelConfig{Batch: batch, Mean: file.Mean, Inference: true, Tap: tap})
	if err != nil {
		for _, c := range contexts {
			c.Close()
		}
		return nil, none, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	if err := file.Restore(m); err != nil {
		m.Close()
		return nil, none, err
	}
	return m, file.Checkpoint, nil
}

func (e *ensemble) close() error {
	var errs []error
	for _, m := range e.models {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// pictures is how many pictures the models take at once.
func (e *ensemble) pictures() int { return e.rows / e.views }

// probabilities returns, for each of at most e.pictures() squares of e.size
// pixels, the softmax outputs averaged over views and nets.
func (e *ensemble) probabilities(squares [][]byte) ([][]float64, error) {
	out := make([][]float64, len(squares))
	for i := range out {
		out[i] = make([]float64, len(e.classes))
	}
	for _, m := range e.models {
		o, err := m.Infer(e.batch(m, squares))
		if err != nil {
			return nil, err
		}
		for row := range len(squares) * e.views {
			for c, p := range o.Probs[row*len(e.classes) : (row+1)*len(e.classes)] {
				out[row/e.views][c] += float64(p) / float64(e.views*len(e.models))
			}
		}
	}
	return out, nil
}

// batch cuts the views of the squares for one net.
func (e *ensemble) batch(m *engine.Model, squares [][]byte) engine.Batch {
	crop := m.Net.Input.Size
	views := []augment.View{augment.CentreView(e.size, crop)}
	if e.views == tenViews {
		ten := augment.TenViews(e.size, crop)
		views = ten[:]
	}
	n := crop * crop * 3
	b := engine.Batch{Images: len(squares) * len(views), Pixels: make([]byte, len(squares)*len(views)*n), Labels: make([]int32, len(squares)*len(views))}
	for i, square := range squares {
		for j, v := range views {
			row := i*len(views) + j
			augment.CopyCrop(b.Pixels[row*n:(row+1)*n], square, e.size, v.X, v.Y, crop, v.Flip)
		}
	}
	return b
}

// guess is a class and its probability, as predict and serve print them.
type guess struct {
	Class       string  `json:"class"`
	Name        string  `json:"name,omitempty"`
	Probability float64 `json:"probability"`
}

// text is the class as people read it.
func (g guess) text() string {
	if g.Name != "" {
		return g.Name
	}
	return g.Class
}

// top returns the most probable classes, best first.
func (e *ensemble) top(probs []float64, n int) []guess {
	order := make([]int, len(probs))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return probs[order[i]] > probs[order[j]] })
	out := make([]guess, min(n, len(order)))
	for i := range out {
		id := e.classes[order[i]]
		out[i] = guess{Class: id, Name: e.names[id], Probability: probs[order[i]]}
	}
	return out
}

// readNames reads a file with a line "id name" for each class.
func readNames(path string) (map[string]string, error) {
	f, err := file.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--names: %w", err)
	}
	defer f.Close()
	names := map[string]string{}
	text, err := plaintext.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("--names %s: %w", path, err)
	}
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		if id, name, ok := strings.Cut(strings.TrimSpace(lines.Text()), " "); ok {
			names[id] = strings.TrimSpace(name)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--names %s: %w", path, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("--names %s: no line \"id name\" in it", path)
	}
	return names, nil
}

// mostSize is the side of the largest squares that pictures are brought to, as in
// sharding.
const mostSize = 8192
