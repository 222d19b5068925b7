package engine

import (
	"reflect"
	"strings"
	"testing"
)

// kinds renders the layers in one line.
func kinds(n *Net) string {
	var words []string
	for _, l := range n.Layers {
		w := l.Kind()
		switch {
		case l.Conv != nil && l.Conv.Reads == ReadsOwn, l.Dense != nil && l.Dense.Reads == ReadsOwn:
			w += "(own)"
		case l.MaxPool != nil:
			w += string(rune('0' + l.MaxPool.Size))
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

func TestWithout(t *testing.T) {
	for _, c := range []struct {
		parts, want string
	}{
		{"", "conv1 relu lrn maxpool3 conv2(own) relu lrn maxpool3 conv3 relu conv4(own) relu conv5(own) relu maxpool3 fc6 relu dropout fc7 relu dropout fc8"},
		{"lrn", "conv1 relu maxpool3 conv2(own) relu maxpool3 conv3 relu conv4(own) relu conv5(own) relu maxpool3 fc6 relu dropout fc7 relu dropout fc8"},
		{"overlap", "conv1 relu lrn maxpool2 conv2(own) relu lrn maxpool2 conv3 relu conv4(own) relu conv5(own) relu maxpool2 fc6 relu dropout fc7 relu dropout fc8"},
		{"crosstalk", "conv1 relu lrn maxpool3 conv2(own) relu lrn maxpool3 conv3(own) relu conv4(own) relu conv5(own) relu maxpool3 fc6(own) relu dropout fc7(own) relu dropout fc8"},
		{"towers", "conv1 relu lrn maxpool3 conv2 relu lrn maxpool3 conv3 relu conv4 relu conv5 relu maxpool3 fc6 relu dropout fc7 relu dropout fc8"},
		{"middle", "conv1 relu lrn maxpool3 conv2(own) relu lrn maxpool3 conv3 relu conv5(own) relu maxpool3 fc6 relu dropout fc7 relu dropout fc8"},
		{"dropout relu", "conv1 tanh lrn maxpool3 conv2(own) tanh lrn maxpool3 conv3 tanh conv4(own) tanh conv5(own) tanh maxpool3 fc6 tanh fc7 tanh fc8"},
	} {
		n, err := Preset("alexnet", 1000)
		if err != nil {
			t.Fatal(err)
		}
		out, err := n.Without(strings.Fields(c.parts)...)
		if err != nil {
			t.Errorf("%s: %v", c.parts, err)
			continue
		}
		if got := kinds(out); got != c.want {
			t.Errorf("without %s:\n%s, want\n%s", c.parts, got, c.want)
		}
		if again, _ := Preset("alexnet", 1000); !reflect.DeepEqual(n, again) {
			t.Errorf("without %s: the net itself has changed", c.parts)
		}
	}
}

// The paper's net for one GPU has about as many parameters as that for two
// (footnote 2), in half the maps.
func TestWithoutTowersHalvesTheMaps(t *testing.T) {
	n, _ := Preset("alexnet", 1000)
	one, err := n.Without("towers")
	if err != nil {
		t.Fatal(err)
	}
	var maps []int
	for _, l := range one.Layers {
		if l.Conv != nil {
			maps = append(maps, l.Conv.Maps)
		}
	}
	if want := []int{48, 128, 192, 192, 256}; !reflect.DeepEqual(maps, want) || one.Towers != 1 {
		t.Errorf("maps %v in %d towers, want %v in one", maps, one.Towers, want)
	}
}

// TestWithoutCrosstalkKeepsTheSize: a net without connections is widened as run 150
// is, which came from run 145.
func TestWithoutCrosstalkKeepsTheSize(t *testing.T) {
	n, _ := Preset("alexnet-145", 1000)
	cut, err := n.Without("crosstalk")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := Preset("alexnet-150", 1000)
	if cut.Name = want.Name; !reflect.DeepEqual(cut, want) {
		t.Errorf("run 145 without connections is\n%s, want run 150\n%s", cut.JSON(), want.JSON())
	}
}

func TestWithoutRefuses(t *testing.T) {
	n, _ := Preset("alexnet", 10)
	for _, c := range []struct{ parts, want string }{
		{"magic", "lrn, overlap, crosstalk, towers, middle, dropout, relu"},
		{"lrn lrn", "has no response normalisation"},
		{"middle middle", "has no middle convolution"},
		{"towers crosstalk", "has no connections between the towers"},
	} {
		if _, err := n.Without(strings.Fields(c.parts)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("without %s: %v, want %q", c.parts, err, c.want)
		}
	}
}

// TestWithoutOfEachNet: each built-in net does without what it has, and keeps the size
// where that is said.
func TestWithoutOfEachNet(t *testing.T) {
	middle := map[string]string{
		"alexnet": "conv4", "alexnet-145": "conv4", "alexnet-146": "conv4", "alexnet-150": "conv4", "alexnet-owt": "conv5",
		"alexnet-mini": "conv4", "cifar-13pct": "conv2", "cifar-11pct": "conv2", "cifar-18pct": "conv2",
	}
	for _, name := range PresetNames() {
		n, err := Preset(name, 10)
		if err != nil {
			t.Fatal(err)
		}
		out, err := n.Without("middle")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		had, has := strings.Fields(kinds(n)), strings.Fields(kinds(out))
		i := 0
		for i < len(has) && had[i] == has[i] {
			i++
		}
		if gone, _, _ := strings.Cut(had[i], "("); gone != middle[name] || len(had)-len(has) != 2 {
			t.Errorf("%s without a middle convolution lacks %s: %s", name, gone, kinds(out))
		}
		for _, l := range n.WithoutDecay().Layers {
			if w := l.learning(); w != nil && (w.Decay != nil || w.BiasDecay != nil) {
				t.Errorf("%s: %s decays", name, l.Name)
			}
		}
	}
}
