package importer

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/caffe"
	"alexnet/engine/devices"
	"alexnet/internal/file"
	"alexnet/internal/setting"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
)

// None is the normalisation of nets that read colours from 0 to 255 unchanged.
const None = "none"

// meanLimit is the limit for a mean picture in bytes; one of 256×256 has 0.8 MB.
const meanLimit = 64 << 20

// NameClasses sets f.Classes and f.Names to those of a folder of shards, or of a file
// with one class id a line. "" for both keeps the names in the file of weights, or
// numbers the classes. f.Net must be set.
func (f *File) NameClasses(data, list string) error {
	origin := f.path
	switch {
	case data != "" && list != "":
		return setting.Invalidf("%s both name the classes: give one", setting.All(setting.Name("data"), setting.Name("classes")))
	case data != "":
		origin = data
		d, err := pipeline.OpenDataset(data)
		if err != nil {
			return err
		}
		f.Classes, f.Names = d.ClassIDs(), pipeline.ClassNames(d.Meta().Classes)
		if err := d.Close(); err != nil {
			return err
		}
	case list != "":
		origin = list
		read, err := source.ReadClasses(list)
		if err != nil {
			return setting.Errorf("%s: %w", setting.Name("classes"), err)
		}
		var told []pipeline.Class
		f.Classes = nil
		for _, class := range read {
			f.Classes = append(f.Classes, class.ID)
			told = append(told, pipeline.Class{ID: class.ID, Name: class.Name})
		}
		f.Names = pipeline.ClassNames(told)
	case f.Classes == nil:
		for i := range f.Net.Classes {
			f.Classes = append(f.Classes, strconv.Itoa(i))
		}
	}
	if len(f.Classes) != f.Net.Classes {
		return fmt.Errorf("%s has %d classes, the net %d outputs", origin, len(f.Classes), f.Net.Classes)
	}
	return nil
}

// MeanFor returns the mean to subtract from the pixels, channels first (nil for
// nothing), and the deviation of each colour, by which Restore divides the first
// layer's weights. They come from picture, a mean picture of Caffe, or from
// normalise: None, or text for augment.ParseNormalisation. "" for both means the
// file's own mean, or f.Reads.
func (f *File) MeanFor(normalise, picture string) (mean []float32, deviation [3]float64, err error) {
	deviation = [3]float64{1, 1, 1}
	switch {
	case normalise != "" && picture != "":
		return nil, deviation, setting.Invalidf("%s both say what is subtracted: give one", setting.All(setting.Name("normalise"), setting.Name("mean")))
	case (normalise != "" || picture != "") && f.HasMean:
		return nil, deviation, setting.Invalidf(`the file has its own "mean": leave %s out`, setting.All(setting.Name("normalise"), setting.Name("mean")))
	case picture != "":
		text, err := file.ReadAll(picture, meanLimit)
		if err != nil {
			return nil, deviation, setting.Errorf("%s: %w", setting.Name("mean"), err)
		}
		if mean, err = caffe.ReadMean(text, f.Net.Input.Size); err != nil {
			err = setting.Errorf("%s: %w", setting.Value("mean", picture), err)
		}
		return mean, deviation, err
	case f.HasMean:
		mean, err = f.Mean()
		return mean, deviation, err
	case normalise == None || normalise == "" && f.Reads == nil:
		return nil, deviation, nil
	case normalise == "":
		return augment.ChannelMean(f.Reads.Mean, f.Net.Input.Size), f.Reads.Deviation, nil
	}
	n, err := augment.ParseNormalisation(normalise)
	if err != nil {
		return nil, deviation, setting.Invalidf("%s: want imagenet, half, R,G,B from 0 to 255, or %s", setting.Value("normalise", normalise), None)
	}
	return augment.ChannelMean(n.Mean, f.Net.Input.Size), n.Deviation, nil
}

// Settings say what a file of weights may not say. "" leaves a setting to the file.
type Settings struct {
	Data      string // folder of shards whose classes the outputs are
	Classes   string // file with one class id a line, in the order of the outputs
	Normalise string // what the net was trained to read, as MeanFor has it
	Mean      string // mean picture of Caffe, a file
}

// Convert writes a checkpoint of the weights to a new file. tell receives each
// assumption as a sentence.
func (f *File) Convert(ctx context.Context, path string, s Settings, tell func(setting.Text)) error {
	if f.Net == nil {
		return setting.Invalidf("%s is required: the file doesn't say what net it is; give %s, or a JSON net file", setting.Name("net"), strings.Join(engine.PresetNames(), ", "))
	}
	if f.Classes == nil && s.Data == "" && s.Classes == "" {
		tell(setting.Textf("the classes are called 0 to %d, since the file doesn't name them: %s or %s does", f.Net.Classes-1, setting.Name("data"), setting.Name("classes")))
	}
	if err := f.NameClasses(s.Data, s.Classes); err != nil {
		return err
	}
	mean, deviation, err := f.MeanFor(s.Normalise, s.Mean)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := f.WriteCheckpoint(path, mean, deviation); err != nil {
		return err
	}
	for _, note := range f.Notes {
		tell(setting.Notef("note: %s", note))
	}
	if n := f.Reads; n != nil && !f.HasMean && s.Normalise == "" && s.Mean == "" {
		tell(setting.Textf("note: the mean %.4g, %.4g, %.4g (red, green, blue) is subtracted, as such nets were trained: %s or %s says otherwise",
			n.Mean[0], n.Mean[1], n.Mean[2], setting.Name("normalise"), setting.Name("mean")))
	}
	if mean == nil && s.Normalise == "" {
		tell(setting.Textf("note: the file has no \"mean\", so it is taken that the net reads colours from 0 to 255 with nothing subtracted: %s says otherwise", setting.Name("normalise")))
	}
	return nil
}

// WriteCheckpoint writes a checkpoint of the weights to a new file. mean and
// deviation are those of MeanFor.
func (f *File) WriteCheckpoint(path string, mean []float32, deviation [3]float64) error {
	contexts, err := devices.Open("cpu", devices.Options{})
	if err != nil {
		return err
	}
	m, err := engine.NewModel(f.Net, contexts, engine.ModelConfig{Batch: 1, Mean: mean, Inference: true})
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	defer m.Close()
	if err := f.Restore(m, deviation); err != nil {
		return err
	}
	state := &engine.Checkpoint{Net: f.Net, Mean: mean, Classes: f.Classes, ClassNames: f.Names, Random: engine.RandomStreams, PictureSize: f.Picture}
	if err := engine.WriteCheckpoint(path, m, state); err != nil {
		return setting.Errorf("%s: %w", setting.Name("checkpoint"), err)
	}
	return nil
}
