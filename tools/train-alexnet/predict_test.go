package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/engine/infer"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
)

// encode makes a PNG of n×n pixels.
func encode(rgb []byte, n int) ([]byte, error) { return infer.Crop{RGB: rgb, Size: n}.PNG() }

// trained is a world with a net that was trained in it for a while, and
// pictures of its classes.
type trained struct {
	world
	checkpoint string
	pictures   string // folder of class folders
}

func newTrained(t *testing.T) trained {
	t.Helper()
	w := newWorld(t)
	run := filepath.Join(w.dir, "run")
	call(w.args(run)...).must(t, 0)
	d, err := pipeline.OpenDataset(w.val)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	out := trained{w, filepath.Join(run, "checkpoints", "best.safetensors"), filepath.Join(w.dir, "pictures")}
	rgb := make([]byte, 3*testSize*testSize)
	dec := d.Codec().NewDecoder(testSize)
	for i := range d.Len() {
		s, err := d.Sample(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := dec.Decode(rgb, s.Image); err != nil {
			t.Fatal(err)
		}
		data, err := encode(rgb, testSize)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(out.pictures, s.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// predictions is predict --json.
type predictions struct {
	Pictures []infer.Prediction
	Bad      []struct{ File, Error string }
}

// predict calls predict --json on the 20-pixel pictures of the world.
func (w trained) predict(t *testing.T, code int, more ...string) predictions {
	t.Helper()
	r := call(append([]string{"train-alexnet", "predict", "--json", "--checkpoint", w.checkpoint}, more...)...)
	r.must(t, code)
	var p predictions
	if err := json.Unmarshal([]byte(r.stdout), &p); err != nil {
		t.Fatalf("%v in %s", err, r.stdout)
	}
	return p
}

// score is top-1 error and mean loss by the pictures' folders.
func (p predictions) score() (top1, loss float64) {
	for _, q := range p.Pictures {
		class := filepath.Base(filepath.Dir(q.File))
		for i, g := range q.Guesses {
			if g.Class == class {
				loss -= math.Log(g.Probability) / float64(len(p.Pictures))
				if i > 0 {
					top1 += 1 / float64(len(p.Pictures))
				}
			}
		}
	}
	return top1, loss
}

// TestUse runs the commands that use a trained net, on one that all share.
func TestUse(t *testing.T) {
	w := newTrained(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, trained)
	}{
		{"predict agrees with eval", predictAgreesWithEval},
		{"predict names bad pictures", predictNamesBadPictures},
		{"predict list, sheet and names", predictListSheetAndNames},
		{"predict bad usage", predictBadUsage},
		{"predict CMYK", cmykPicture},
		{"bad checkpoints", badCheckpoints},
		{"bad numbers", badNumbers},
		{"list on stdin", listOnStdin},
		{"import without mean", importWithoutMean},
		{"export and import", exportBadUsage},
		{"features of files and shards", featuresOfFilesAndShards},
		{"features bad usage", featuresBadUsage},
		{"neighbours are nearest", neighboursAreNearest},
		{"serve listens", serveListens},
		{"serve wide", serveWide},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, w) })
	}
}

// predictAgreesWithEval: the same pictures as files and as shards score
// the same, by the centre, by ten crops, and by an ensemble.
func predictAgreesWithEval(t *testing.T, w trained) {
	second := filepath.Join(w.dir, "second")
	call(w.args(second, "--seed", "9", "--epochs", "2")...).must(t, 0)
	other := filepath.Join(second, "checkpoints", "best.safetensors")
	small := filepath.Join(w.dir, "small") // sees 12 pixels
	file := filepath.Join(w.dir, "small.json")
	if err := os.WriteFile(file, []byte(strings.Replace(testNet, `"size": 16`, `"size": 12`, 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	call(w.args(small, "--net", file, "--epochs", "2")...).must(t, 0)
	mixed := filepath.Join(small, "checkpoints", "best.safetensors")
	seen := map[float64]bool{}
	for _, flags := range [][]string{{}, {"--ten-crop"}, {"--checkpoint", other}, {"--checkpoint", other, "--ten-crop"}, {"--checkpoint", mixed, "--checkpoint", other, "--ten-crop"}} {
		p := w.predict(t, 0, append(flags, w.pictures)...)
		if len(p.Pictures) != 21 || len(p.Pictures[0].Guesses) != 3 {
			t.Fatalf("%v: %d pictures", flags, len(p.Pictures))
		}
		top1, loss := p.score()
		r := call(append([]string{"train-alexnet", "eval", "--json", "--batch", "10", "--data", w.val, "--checkpoint", w.checkpoint}, flags...)...)
		r.must(t, 0)
		var e struct {
			Images     int
			Loss       float64
			Top1_error float64
		}
		if err := json.Unmarshal([]byte(r.stdout), &e); err != nil {
			t.Fatal(err)
		}
		if e.Images != 21 || math.Abs(e.Loss-loss) > 1e-6 || math.Abs(e.Top1_error-top1) > 1e-9 {
			t.Errorf("%v: eval says %+v, predict's guesses loss %v, top-1 error %v", flags, e, loss, top1)
		}
		if seen[e.Loss] {
			t.Errorf("%v: the same loss as with other flags", flags)
		}
		seen[e.Loss] = true
	}
}

func predictNamesBadPictures(t *testing.T, w trained) {
	text := filepath.Join(w.dir, "text.jpg")
	if err := os.WriteFile(text, []byte("not a picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(w.pictures, "class0")
	p := w.predict(t, 3, "--top", "1", text, filepath.Join(w.dir, "missing.png"), good)
	if len(p.Pictures) != 7 || len(p.Pictures[0].Guesses) != 1 || len(p.Bad) != 2 || p.Bad[0].File != text {
		t.Errorf("predictions %+v", p)
	}
	r := call("train-alexnet", "predict", "--checkpoint", w.checkpoint, "--size", "20", text, good)
	r.must(t, 3, text+": ", "1 of 8 pictures could not be read", " %  class0")
}

func predictListSheetAndNames(t *testing.T, w trained) {
	names := filepath.Join(w.dir, "names.txt")
	if err := os.WriteFile(names, []byte("class0 rows of stripes, horizontal\nclass1 other\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	sheet := filepath.Join(w.dir, "sheet.png")
	c := process("predict", "--checkpoint", w.checkpoint, "--size", "20", "--sheet", sheet, "--names", names, "-")
	c.Stdin = strings.NewReader(filepath.Join(w.pictures, "class0", "00.png") + "\r\n\n" + filepath.Join(w.pictures, "class1", "01.png") + "\n")
	out, err := c.CombinedOutput()
	if err != nil || strings.Count(string(out), "rows of stripes, horizontal") != 2 || !strings.Contains(string(out), "class2") {
		t.Errorf("%v: %s", err, out)
	}
	img, err := png.Decode(bytes.NewReader([]byte(read(t, sheet))))
	if err != nil || img.Bounds().Dx() != 2*(192+16)+16 {
		t.Fatalf("sheet: %v", err)
	}
	colours := map[[3]uint32]bool{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			colours[[3]uint32{r >> 8, g >> 8, b >> 8}] = true
		}
	}
	if !colours[[3]uint32{0x8f, 0xb8, 0xe8}] || len(colours) < 50 {
		t.Errorf("sheet without bars or pictures: %d colours", len(colours))
	}
}

func predictBadUsage(t *testing.T, w trained) {
	empty := t.TempDir()
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{2, "--checkpoint is required (see train-alexnet predict --help)", []string{w.pictures}},
		{2, "--checkpoint is required, here perhaps --checkpoint " + w.checkpoint + " (see", []string{w.checkpoint, w.pictures}},
		{2, "no pictures given", []string{"--checkpoint", w.checkpoint}},
		{2, "--top 0", []string{"--checkpoint", w.checkpoint, "--top", "0", w.pictures}},
		{2, "--size 15: the net reads 16", []string{"--checkpoint", w.checkpoint, "--size", "15", w.pictures}},
		{2, "--batch 9: want at least 10", []string{"--checkpoint", w.checkpoint, "--batch", "9", "--ten-crop", w.pictures}},
		{1, "has no pictures", []string{"--checkpoint", w.checkpoint, empty}},
		{1, "missing.safetensors", []string{"--checkpoint", "missing.safetensors", w.pictures}},
		{1, "--names", []string{"--checkpoint", w.checkpoint, "--names", "missing.txt", w.pictures}},
	} {
		r := call(slices.Concat([]string{"train-alexnet", "predict"}, c.args)...)
		if r.code != c.code || !strings.Contains(r.stderr, c.want) {
			t.Errorf("%v: code %d, %s want %d and %q", c.args, r.code, r.stderr, c.code, c.want)
		}
	}
}

// TestClassNamesTravel: names for people that the shards have are in predictions,
// sheets' guesses, answers of serve, and exports, and come back from there.
func TestClassNamesTravel(t *testing.T) {
	w := newWorld(t)
	list := filepath.Join(w.dir, "classes.txt")
	if err := os.WriteFile(list, []byte("class0\ttabby cat\nclass1\nclass2\tgreat <white> shark\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	classes, err := source.ReadClasses(list)
	if err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(w.dir, "pictures", "class0", "0.png")
	for class := range 3 {
		for i := range 4 {
			data, err := encode(bytes.Repeat([]byte{byte(80 * class), byte(20 * i), 7}, testSize*testSize), testSize)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(w.dir, "pictures", fmt.Sprint("class", class), fmt.Sprint(i, ".png"))
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	src, err := source.Open(t.Context(), filepath.Join(w.dir, "pictures"), source.Options{Classes: classes})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	named := filepath.Join(w.dir, "named")
	if _, err := pipeline.Shard(t.Context(), pipeline.ShardConfig{Out: named, Codec: "raw", Size: testSize}, src, nil); err != nil {
		t.Fatal(err)
	}
	w.train, w.val = named, named
	run := filepath.Join(w.dir, "run")
	call(w.args(run, "--epochs", "1")...).must(t, 0)
	at := func(name string) string { return filepath.Join(w.dir, name) }
	checkpoint := filepath.Join(run, "checkpoints", "best.safetensors")
	call("train-alexnet", "export", "--checkpoint", checkpoint, "--onnx", at("net.onnx"), "--safetensors", at("torch.safetensors")).must(t, 0)
	const inExports = `["tabby cat","","great \u003cwhite\u003e shark"]`
	if !strings.Contains(read(t, at("net.onnx")), inExports) {
		t.Error("the ONNX model has no names")
	}
	call("train-alexnet", "import", "--safetensors", at("torch.safetensors"), "--checkpoint", at("back.safetensors")).must(t, 0)
	call("train-alexnet", "import", "--safetensors", at("torch.safetensors"), "--classes", list, "--checkpoint", at("listed.safetensors")).must(t, 0)
	want := map[string]string{"class0": "tabby cat", "class1": "", "class2": "great <white> shark"}
	for _, c := range []string{checkpoint, at("back.safetensors"), at("listed.safetensors")} {
		for _, g := range (trained{w, c, ""}).predict(t, 0, "--size", fmt.Sprint(testSize), picture).Pictures[0].Guesses {
			if g.Name != want[g.Class] {
				t.Errorf("%s: class %s is called %q, want %q", filepath.Base(c), g.Class, g.Name, want[g.Class])
			}
		}
	}
	names := at("names.txt")
	if err := os.WriteFile(names, []byte("class0 my own\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	call("train-alexnet", "predict", "--checkpoint", checkpoint, "--names", names, picture).must(t, 0, "%  my own", "%  great <white> shark", "%  class1")
	tabs := w.writeFile(t, "classes.tsv", "class0\tmine\nclass1\tyour own\n")
	call("train-alexnet", "predict", "--checkpoint", checkpoint, "--names", tabs, picture).must(t, 0, "%  mine", "%  your own")
	for _, other := range []string{"../../README.md", w.writeFile(t, "others.tsv", "n01440764\ttench\n")} {
		call("train-alexnet", "predict", "--checkpoint", checkpoint, "--names", other, picture).must(t, 1, "--names: "+other+": no line names a class of the net: a line is the class's id, such as \"class0\", a space or a tab, and the name")
	}
}
