package engine

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// The sizes of the paper's figure 2, with 224-pixel crops padded by 2.
func TestAlexnetShapes(t *testing.T) {
	net, err := Preset("alexnet", 1000)
	if err != nil {
		t.Fatal(err)
	}
	got, err := net.Shapes()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Extent{
		"conv1": {96, 55, 55}, "conv2": {256, 27, 27}, "conv3": {384, 13, 13},
		"conv4": {384, 13, 13}, "conv5": {256, 13, 13}, "fc6": {4096, 1, 1}, "fc8": {1000, 1, 1},
	}
	for i, l := range net.Layers {
		if w, ok := want[l.Name]; ok && got[i] != w {
			t.Errorf("%s leaves %v, want %v", l.Name, got[i], w)
		}
	}
	if pooled := got[14]; pooled != (Extent{256, 6, 6}) {
		t.Errorf("the last pooling leaves %v, want 256×6×6", pooled)
	}
}

func TestNetFileRoundTrip(t *testing.T) {
	for _, name := range PresetNames() {
		net, err := Preset(name, 10)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ReadNet(bytes.NewReader(net.JSON()))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(net, back) {
			t.Errorf("%s changed on its way through JSON:\n%s\n%s", name, net.JSON(), back.JSON())
		}
	}
}

func TestNetErrors(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"unknown field":   {`{"colour":1}`, "colour"},
		"not JSON":        {`net`, "net file: isn't JSON"},
		"a list":          {`[]`, "net file: is a list, want an object"},
		"a field twice":   {`{"name":"n","layers":[{"conv":{"maps":3,"maps":4}}]}`, "net file: layers.conv.maps is there twice"},
		"a text":          {`{"layers":[{"conv":{"maps":"3"}}]}`, "net file: layers.conv.maps is a text, want a whole number"},
		"no classes":      {`{"name":"n","input":{"size":8},"towers":1,"layers":[]}`, "0 classes"},
		"no head":         {`{"name":"n","input":{"size":8},"towers":1,"classes":2,"layers":[{"activate":"relu"}]}`, "last layer must be dense"},
		"odd towers":      {`{"name":"n","input":{"size":8},"towers":2,"classes":2,"layers":[{"name":"c","conv":{"maps":3,"kernel":3,"stride":1,"std":1}},{"name":"f","dense":{}}]}`, "layer 1 (c), which reads 3×8×8: 3 maps don't divide over 2 towers"},
		"window too wide": {`{"name":"n","input":{"size":8},"towers":1,"classes":2,"layers":[{"name":"c","conv":{"maps":3,"kernel":9,"stride":1}},{"name":"f","dense":{}}]}`, "window of 9 pixels"},
		"own of image":    {`{"name":"n","input":{"size":8},"towers":2,"classes":2,"layers":[{"name":"c","conv":{"maps":4,"kernel":3,"stride":1,"reads":"own"}},{"name":"f","dense":{}}]}`, "whole image"},
		"two kinds":       {`{"name":"n","input":{"size":8},"towers":1,"classes":2,"layers":[{"activate":"relu","dropout":{"rate":0.5}},{"name":"f","dense":{}}]}`, "exactly one of"},
		"activation":      {`{"name":"n","input":{"size":8},"towers":1,"classes":2,"layers":[{"activate":"gelu"},{"name":"f","dense":{}}]}`, "want relu or tanh"},
		"same name":       {`{"name":"n","input":{"size":8},"towers":1,"classes":2,"layers":[{"name":"f","dense":{"units":4}},{"name":"f","dense":{}}]}`, "name of its own"},
		"class count":     {`{"name":"n","input":{"size":8},"towers":1,"classes":2,"layers":[{"name":"f","dense":{"units":3}}]}`, "3 units for 2 classes"},
		"dropout rate":    {`{"name":"n","input":{"size":8},"towers":1,"classes":2,"layers":[{"name":"g","dense":{"units":4}},{"dropout":{"rate":1}},{"name":"f","dense":{}}]}`, "rate 1"},
	} {
		_, err := ReadNet(strings.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestWindowOut(t *testing.T) {
	for _, c := range []struct {
		w        Window
		in, want int
	}{
		{Window{Size: 11, Stride: 4, Pad: 2}, 224, 55},
		{Window{Size: 3, Stride: 2, Pad: 0}, 55, 27},
		{Window{Size: 3, Stride: 2, Pad: 0}, 13, 6},
		{Window{Size: 5, Stride: 1, Pad: 2}, 27, 27},
		{Window{Size: 1, Stride: 1, Pad: 0}, 1, 1},
		{Window{Size: 3, Stride: 1, Pad: 0}, 2, 0},
		{Window{Size: 3, Stride: 2, Ceil: true}, 24, 12}, // cuda-convnet's CIFAR nets: 24, 12, 6
		{Window{Size: 3, Stride: 2, Ceil: true}, 12, 6},
		{Window{Size: 3, Stride: 2, Ceil: true}, 55, 27}, // nothing to round
		{Window{Size: 3, Stride: 2, Ceil: true}, 2, 1},   // the only window isn't whole
		{Window{Size: 3, Stride: 2, Ceil: true}, 1, 0},
		{Window{Size: 2, Stride: 3, Ceil: true}, 6, 2}, // a third would start at 6, outside
		{Window{Size: 3, Stride: 2, Pad: 1, Ceil: true}, 6, 4},
	} {
		if got := c.w.Out(c.in); got != c.want {
			t.Errorf("%+v over %d: %d positions, want %d", c.w, c.in, got, c.want)
		}
	}
}
