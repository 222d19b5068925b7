package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/internal/file"
	"alexnet/internal/setting"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
)

// Pictures describes how to make a run from labelled pictures.
type Pictures struct {
	In string // folder, archive or list, as source.Open takes it

	// KeepForVal is the share of each class that is kept for validation, if In does
	// not say which pictures are for validation; 0 means a tenth.
	KeepForVal float64

	// Note receives sentences, Progress how far a split is; either may be nil.
	Note     func(sentence string)
	Progress func(split string, p pipeline.ShardProgress)
}

// Made is the result of Pictures.Make.
type Made struct {
	Commands []string // that do the same; the last trains
	LeftOut  int      // pictures that couldn't be read
}

// fewPictures is the number of pictures below which a small net is chosen.
const fewPictures = 20_000

// Make makes what a run needs in the folder c.Run (shards/train, shards/val and
// pca.json) and sets c.Train, c.Val and c.PCA. It reuses complete shards that are
// there. c.Net becomes that of the recipe that c names, or where there is none and "net"
// was not given, alexnet-mini for few pictures. Bad settings are found before any work.
func (p Pictures) Make(ctx context.Context, c *Config, given func(setting string) bool) (*Made, error) {
	if p.KeepForVal == 0 {
		p.KeepForVal = .1
	}
	if c.Run == "" {
		return nil, setting.Invalidf("%s is required", setting.Name("run"))
	}
	if err := c.lookAhead(given); err != nil {
		return nil, err
	}
	chooseNet := !given("net") && c.Net == Defaults().Net
	c.Train, c.Val, c.PCA = filepath.Join(c.Run, "shards", "train"), filepath.Join(c.Run, "shards", "val"), filepath.Join(c.Run, "pca.json")
	o := source.Options{Note: p.Note, SplitFraction: p.KeepForVal}
	made := new(Made)
	size := 0
	for _, split := range []string{"train", "val"} {
		o.Split = split
		src, err := source.Open(ctx, p.In, o)
		if errors.Is(err, source.ErrOwnSplit) {
			o.SplitFraction = 0
			src, err = source.Open(ctx, p.In, o)
		}
		if err != nil {
			return nil, err
		}
		if one := src.Classes(); split == "train" && len(one) == 1 {
			err = fmt.Errorf("%s: all pictures are of one class, %q: give a folder with two or more class folders", p.In, one[0].ID)
		} else if split == "train" {
			size, err = c.pictureSize(len(src.Items()), chooseNet)
		}
		if err == nil {
			err = p.shard(ctx, c, src, split, size, o.SplitFraction, made)
		}
		if err := errors.Join(err, src.Close()); err != nil {
			return nil, err
		}
	}
	d, err := pipeline.OpenDataset(c.Train)
	if err != nil {
		return nil, err
	}
	pca, err := augment.FromSums(d.Meta().Statistics)
	if err := errors.Join(err, d.Close()); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(pca, "", "  ")
	if err != nil {
		return nil, err
	}
	if old, err := os.ReadFile(c.PCA); err != nil || string(old) != string(text)+"\n" {
		if err := file.WriteAll(c.PCA, append(text, '\n')); err != nil {
			return nil, err
		}
	}
	train := fmt.Sprintf("train-alexnet --train %s --val %s --pca %s --run %s", ShellWord(c.Train), ShellWord(c.Val), ShellWord(c.PCA), ShellWord(c.Run))
	if c.Net != Defaults().Net {
		train += " --net " + ShellWord(c.Net)
	}
	made.Commands = append(made.Commands, "compute-pca --shards "+ShellWord(c.Train)+" --out "+ShellWord(c.PCA), train)
	return made, nil
}

// lookAhead takes the net of the recipe that c names, and checks the settings that
// would train it.
func (c *Config) lookAhead(given func(setting string) bool) error {
	trial := *c
	trial.Train, trial.Val, trial.PCA = "train", "val", "pca.json" // to be made
	if r, err := FindRecipe(c.Recipe); err == nil {
		if err := r.Apply(&trial, 0, given); err != nil {
			return err
		}
		c.Net = trial.Net
	}
	return trial.Validate()
}

// pictureSize returns the size of pictures that suits the net. With chooseNet it
// chooses the net first.
func (c *Config) pictureSize(images int, chooseNet bool) (int, error) {
	if chooseNet && images <= fewPictures {
		c.Net = "alexnet-mini"
	}
	read := func() (*engine.Net, error) { return NamedNet(c.Net, 2) }
	if IsNetFile(c.Net) {
		read = func() (*engine.Net, error) { return ReadNet(c.Net) }
	}
	net, err := read()
	if err != nil {
		return 0, err
	}
	return net.PictureSize(), nil
}

// shard makes one split.
func (p Pictures) shard(ctx context.Context, c *Config, src source.Source, split string, size int, fraction float64, made *Made) error {
	out := map[string]string{"train": c.Train, "val": c.Val}[split]
	if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
		return err
	}
	sum, err := pipeline.Shard(ctx, pipeline.ShardConfig{Out: out, Split: split, Size: size, Workers: c.Workers}, src, func(s pipeline.ShardProgress) {
		if p.Progress != nil {
			p.Progress(split, s)
		}
	})
	if other := (*pipeline.OtherJobError)(nil); errors.As(err, &other) {
		return setting.Errorf("%s has shards of %s as it was, or for another net (%s): give %s for a run of what is there now, or go on with the old one by %s and %s",
			c.Run, p.In, other.How, setting.Suggest("run", ShellWord(c.Run+"-2")), setting.Suggest("run", ShellWord(c.Run)), setting.Name("resume"))
	}
	if err != nil {
		return err
	}
	if n := len(sum.Bad); n > 0 && p.Note != nil {
		p.Note(fmt.Sprintf("%d of %d pictures are left out, listed in %s; the first is %q: %s", n, sum.Meta.Source.Found, sum.Report, sum.Bad[0].Name, sum.Bad[0].Reason))
	}
	command := fmt.Sprintf("prep-imagenet shard --in %s --out %s --split %s --size %d", ShellWord(p.In), ShellWord(out), split, size)
	if fraction > 0 {
		command += fmt.Sprintf(" --split-fraction %g", fraction)
	}
	made.Commands = append(made.Commands, command)
	made.LeftOut += len(sum.Bad)
	return nil
}

// ShellWord quotes a path for a shell. A path with characters that cannot be shown
// uses bash's own form.
func ShellWord(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		var b strings.Builder // bytes, since Go's own quotes would leave $ and ` alive in a shell
		for _, c := range []byte(path) {
			fmt.Fprintf(&b, "\\x%02x", c)
		}
		return "$'" + b.String() + "'"
	}
	if strings.ContainsFunc(path, func(r rune) bool {
		return !(r == '/' || r == '.' || r == '-' || r == '_' || r == ':' || r == '\\' && runtime.GOOS == "windows" || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
