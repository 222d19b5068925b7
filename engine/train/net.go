package train

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"alexnet/engine"
	"alexnet/internal/file"
	"alexnet/internal/setting"
)

// netLimit is the limit for a net file in bytes.
const netLimit = 1 << 20

// IsNetFile reports whether a name is that of a net file, which ends in .json, and
// not of a preset.
func IsNetFile(name string) bool { return strings.HasSuffix(name, ".json") }

// ReadNet reads the net file that Config.Net names.
func ReadNet(path string) (*engine.Net, error) {
	text, err := file.ReadAll(path, netLimit)
	if err != nil {
		return nil, setting.Errorf("%s: %w", setting.Name("net"), err)
	}
	n, err := engine.ReadNet(bytes.NewReader(text))
	if err != nil {
		return nil, setting.Errorf("%s: %w", setting.Value("net", path), err)
	}
	return n, nil
}

// NamedNet returns a preset with that many classes, or reads a net file, which must
// have as many.
func NamedNet(name string, classes int) (*engine.Net, error) {
	if !IsNetFile(name) {
		n, err := engine.Preset(name, classes)
		if err != nil {
			return nil, setting.Invalidf("%s: %w", setting.Name("net"), err)
		}
		return n, nil
	}
	n, err := ReadNet(name)
	if err == nil && n.Classes != classes {
		err = fmt.Errorf("%s: the net has %d classes and the shards have %d: change the file, or choose other shards", name, n.Classes, classes)
	}
	return n, err
}

// BuildNet returns the net of the settings: NamedNet of Net without the parts in
// Without.
func (c *Config) BuildNet(classes int) (*engine.Net, error) {
	n, err := NamedNet(c.Net, classes)
	if err != nil {
		return nil, err
	}
	for _, part := range SplitList(c.Without) {
		switch part {
		case WithoutPCA, WithoutCrops:
		case WithoutDecay:
			n = n.WithoutDecay()
		default:
			if n, err = n.Without(part); err != nil {
				return nil, setting.Invalidf("%s: %w", setting.Name("without"), err)
			}
		}
	}
	if c.InputScale != 0 {
		n.Input.Scale = float32(c.InputScale)
	}
	return n, nil
}

// PrintNets lists the presets with what they are and the pictures that suit them. The
// size of pictures is named in such words.
func PrintNets(w io.Writer, words setting.Words) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "net\tshards with\tsees\twhat it is")
	for _, name := range engine.PresetNames() {
		n, err := engine.Preset(name, 1000)
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", name, words.Value("size", n.PictureSize()), n.Input.Size, engine.AboutPreset(name))
	}
	return t.Flush()
}
