package engine

import (
	"fmt"
	"strings"
	"testing"
)

// TestPresetsAreTheirSources holds every net that stands in a published file against
// that file: what leaves each layer, and how many weights and biases it has. The
// products are worked out by hand from the files' filters, channels, filterSize and
// outputs; local layers have a filter and a bias for each map at each position.
func TestPresetsAreTheirSources(t *testing.T) {
	type row struct {
		layer, out string
		parameters int
	}
	dense2012 := func(conv5 int) []row { // fc2048a, fc2048b …: 2·2048 units on both towers' 6×6 maps
		return []row{
			{"fc6", "4096×1×1", 4096*conv5*36 + 4096}, {"relu", "4096×1×1", 0}, {"dropout", "4096×1×1", 0},
			{"fc7", "4096×1×1", 4096*4096 + 4096}, {"relu", "4096×1×1", 0}, {"dropout", "4096×1×1", 0},
			{"fc8", "1000×1×1", 1000*4096 + 1000},
		}
	}
	convs2012 := func(conv2, conv3In int) []row {
		return []row{
			{"conv1", "96×55×55", 96*3*11*11 + 96}, {"lrn", "96×55×55", 0}, {"maxpool", "96×27×27", 0}, {"relu", "96×27×27", 0},
			{"conv2", fmt.Sprintf("%d×27×27", conv2), conv2*48*5*5 + conv2}, {"relu", "", 0}, {"lrn", "", 0}, {"lrn", "", 0}, {"maxpool", fmt.Sprintf("%d×13×13", conv2), 0},
			{"conv3", "384×13×13", 384*conv3In*3*3 + 384}, {"relu", "", 0},
			{"conv4", "384×13×13", 384*192*3*3 + 384}, {"relu", "", 0},
			{"conv5", "256×13×13", 256*192*3*3 + 256}, {"maxpool", "256×6×6", 0}, {"relu", "256×6×6", 0},
		}
	}
	for _, c := range []struct {
		net, file string
		classes   int
		total     int
		rows      []row
	}{
		{"alexnet", "the paper, §3.5 and figure 2", 1000, 60965224, append([]row{
			{"conv1", "96×55×55", 96*3*11*11 + 96}, {"relu", "", 0}, {"lrn", "", 0}, {"maxpool", "96×27×27", 0},
			{"conv2", "256×27×27", 256*48*5*5 + 256}, {"relu", "", 0}, {"lrn", "", 0}, {"maxpool", "256×13×13", 0},
			{"conv3", "384×13×13", 384*256*3*3 + 384}, {"relu", "", 0},
			{"conv4", "384×13×13", 384*192*3*3 + 384}, {"relu", "", 0},
			{"conv5", "256×13×13", 256*192*3*3 + 256}, {"relu", "", 0}, {"maxpool", "256×6×6", 0},
		}, dense2012(256)...)},
		{"alexnet-145", "K12 layers/layers-145.cfg", 1000, 60965224, append(convs2012(256, 256), dense2012(256)...)},
		{"alexnet-146", "K12 layers/layers-146-2009.cfg, its classes apart", 1000, 61555304,
			append(append(convs2012(256, 256), row{"conv6", "256×6×6", 256*256*3*3 + 256}, row{"relu", "", 0}), dense2012(256)...)},
		{"alexnet-150", "K12 layers/layers-150.cfg", 1000, 60714408, append(convs2012(320, 160),
			row{"fc6", "8192×1×1", 2 * (4096*128*36 + 4096)}, row{"relu", "", 0}, row{"dropout", "", 0},
			row{"fc7", "4096×1×1", 2 * (2048*4096 + 2048)}, row{"relu", "", 0}, row{"dropout", "", 0},
			row{"fc8", "1000×1×1", 1000*4096 + 1000})},
		{"cifar-13pct", "K1 example-layers/layers-conv-local-13pct.cfg", 10, 1116490, []row{
			{"conv1", "64×24×24", 64*3*5*5 + 64}, {"relu", "", 0}, {"maxpool", "64×12×12", 0},
			{"conv2", "64×12×12", 64*64*5*5 + 64}, {"relu", "", 0}, {"maxpool", "64×6×6", 0},
			{"local3", "32×6×6", 36 * 32 * (64*3*3 + 1)}, {"relu", "", 0},
			{"local4", "32×6×6", 36 * 32 * (32*3*3 + 1)}, {"relu", "", 0},
			{"fc10", "10×1×1", 10*32*36 + 10},
		}},
		{"cifar-11pct", "K1 example-layers/layers-conv-local-11pct.cfg", 10, 2112970, []row{
			{"conv1", "64×24×24", 64*3*5*5 + 64}, {"relu", "", 0}, {"maxpool", "64×12×12", 0}, {"lrn", "", 0},
			{"conv2", "64×12×12", 64*64*5*5 + 64}, {"relu", "", 0}, {"lrn", "", 0}, {"maxpool", "64×6×6", 0},
			{"local3", "64×6×6", 36 * 64 * (64*3*3 + 1)}, {"relu", "", 0},
			{"local4", "32×6×6", 36 * 32 * (64*3*3 + 1)}, {"relu", "", 0},
			{"fc10", "10×1×1", 10*32*36 + 10},
		}},
		{"cifar-18pct", "K1 example-layers/layers-18pct.cfg", 10, 89578, []row{
			{"conv1", "32×32×32", 32*3*5*5 + 32}, {"maxpool", "32×16×16", 0}, {"relu", "", 0}, {"lrn", "", 0},
			{"conv2", "32×16×16", 32*32*5*5 + 32}, {"relu", "", 0}, {"avgpool", "32×8×8", 0}, {"lrn", "", 0},
			{"conv3", "64×8×8", 64*32*5*5 + 64}, {"relu", "", 0}, {"avgpool", "64×4×4", 0},
			{"fc10", "10×1×1", 10*64*16 + 10},
		}},
	} {
		n, err := Preset(c.net, c.classes)
		if err != nil {
			t.Fatal(err)
		}
		sizes, err := n.Sizes()
		if err != nil {
			t.Fatal(err)
		}
		if len(sizes) != len(c.rows) {
			t.Errorf("%s has %d layers, %s %d", c.net, len(sizes), c.file, len(c.rows))
			continue
		}
		total, flop := 0, 0.0
		for i, s := range sizes {
			want := c.rows[i]
			if kind := n.Layers[i].Kind(); kind != want.layer || want.out != "" && s.Out.String() != want.out || s.Parameters != want.parameters {
				t.Errorf("%s: layer %d is %s of %v with %d parameters, %s has %s of %s with %d", c.net, i+1, kind, s.Out, s.Parameters, c.file, want.layer, want.out, want.parameters)
			}
			total += s.Parameters
			flop += s.FLOP
		}
		if c.net == "alexnet" && flop != 2*724406816 { // 105.4, 223.9, 149.5, 112.1, 74.8, 37.7, 16.8 and 4.1 million products
			t.Errorf("%s takes %g operations an image, want 2·724,406,816", c.net, flop)
		}
		if total != c.total {
			t.Errorf("%s has %d parameters, %s %d", c.net, total, c.file, c.total)
		}
	}
}

// TestPresetsLearnAsTheirFilesSay holds rates and decays against layer-params-X.cfg:
// epsB is twice epsW, wc is the decay of the weights and 0 of the biases.
func TestPresetsLearnAsTheirFilesSay(t *testing.T) {
	const run = 0.0005 // --decay, wc of the 2012 runs
	for net, decays := range map[string]string{
		"alexnet-145": "conv1 0.0005 conv2 0.0005 conv3 0.0005 conv4 0.0005 conv5 0.0005 fc6 0.0005 fc7 0.0005 fc8 0.0005",
		"alexnet-150": "conv1 0.0005 conv2 0.0005 conv3 0.0005 conv4 0.0005 conv5 0.0005 fc6 0.0005 fc7 0.0005 fc8 0.0005",
		"cifar-13pct": "conv1 0 conv2 0 local3 0.004 local4 0.004 fc10 0.004",
		"cifar-11pct": "conv1 0 conv2 0 local3 0.004 local4 0.004 fc10 0.01",
		"cifar-18pct": "conv1 0.004 conv2 0.004 conv3 0.004 fc10 1",
	} {
		n, err := Preset(net, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range n.Layers {
			w := l.learning()
			if w == nil {
				continue
			}
			rate, decay := w.of(false, run)
			biasRate, biasDecay := w.of(true, run)
			got = append(got, fmt.Sprintf("%s %g", l.Name, decay))
			if rate != 1 || biasRate != 2 || biasDecay != 0 {
				t.Errorf("%s: %s learns at %g and its biases at %g with decay %g, want 1, 2 and 0", net, l.Name, rate, biasRate, biasDecay)
			}
		}
		if text := strings.Join(got, " "); text != decays {
			t.Errorf("%s: decays %s, the file has %s", net, text, decays)
		}
	}
}
