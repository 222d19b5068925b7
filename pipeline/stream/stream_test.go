package stream

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"alexnet/augment"
	"alexnet/pipeline"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/mds"
)

var testPCA = augment.PCA{
	Units: augment.Units255, Pixels: 1, Covariance: [3][3]float64{{900, 0, 0}, {0, 400, 0}, {0, 0, 100}},
	Eigenvalues: [3]float64{900, 400, 100}, Eigenvectors: [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
}

const testSize, testImages = 12, 21

// testShards makes a folder of small noisy pictures in two classes.
func testShards(t *testing.T) string {
	t.Helper()
	return writeShards(t, testImages, func(int) bool { return true })
}

// writeShards makes a folder of n pictures, of which those that aren't good can't be
// decoded.
func writeShards(t *testing.T, n int, good func(i int) bool) string {
	t.Helper()
	dir := t.TempDir()
	lossless := codec.Lossless{}
	w, err := mds.NewWriter(dir, mds.WriterConfig{Columns: []mds.Column{
		{Name: pipeline.ImageColumn, Encoding: lossless.Encoding(testSize)},
		{Name: pipeline.LabelColumn, Encoding: "int"}, {Name: pipeline.NameColumn, Encoding: "str"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	encoder := lossless.NewEncoder(testSize)
	for i := range n {
		encoded := []byte("no picture")
		if good(i) {
			if encoded, err = encoder.Encode(nil, testPicture(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Write(encoded, mds.AppendInt(nil, int64(i%2)), fmt.Appendf(nil, "%d \"ü\".png", i)); err != nil {
			t.Fatal(err)
		}
	}
	shards, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	meta, err := json.Marshal(pipeline.Meta{
		FormatVersion: pipeline.FormatVersion, Split: "train", Images: n, Size: testSize, Codec: "lossless",
		Classes: []pipeline.Class{{ID: "even"}, {ID: "odd"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	index := mds.Index{Version: mds.Version, Shards: shards, Extra: map[string]json.RawMessage{pipeline.MetaKey: meta}}
	if err := index.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func testPicture(i int) []byte {
	random := rand.New(rand.NewPCG(1, uint64(i)))
	rgb := make([]byte, 3*testSize*testSize)
	for k := range rgb {
		rgb[k] = byte(random.IntN(256))
	}
	return rgb
}

func testDataset(t *testing.T, dir string) *pipeline.Dataset {
	t.Helper()
	d, err := pipeline.OpenDataset(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// client is the other side of a Serve.
type client struct {
	t        *testing.T
	memory   []byte
	in       io.WriteCloser
	out      *bufio.Reader
	done     chan error
	Greeting Greeting
}

func serve(t *testing.T, d *pipeline.Dataset, c Config) *client {
	t.Helper()
	in, requests := io.Pipe()
	replies, out := io.Pipe()
	k := &client{t: t, in: requests, out: bufio.NewReader(replies), done: make(chan error, 1)}
	c.Memory = func(size int) ([]byte, error) {
		k.memory = make([]byte, size)
		return k.memory, nil
	}
	go func() { k.done <- Serve(t.Context(), d, c, in, out); out.Close() }()
	t.Cleanup(func() { in.Close(); replies.Close() })
	k.next(&k.Greeting)
	return k
}

// next reads a line into v.
func (k *client) next(v any) {
	k.t.Helper()
	line, err := k.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, v)
	}
	if err != nil {
		k.t.Fatalf("line %q: %v", line, err)
	}
}

func (k *client) reply() (r reply) {
	k.t.Helper()
	k.next(&r)
	return r
}

func (k *client) say(format string, values ...any) {
	k.t.Helper()
	if _, err := fmt.Fprintf(k.in, format+"\n", values...); err != nil {
		k.t.Fatal(err)
	}
}

func (k *client) loaderStats() pipeline.LoaderStats {
	k.t.Helper()
	k.say(`{"id":1,"stats":true}`)
	return *k.reply().Stats
}

// end closes the client's pipe and returns what Serve does.
func (k *client) end() error {
	k.in.Close()
	return k.wait()
}

func (k *client) wait() error {
	k.t.Helper()
	select {
	case err := <-k.done:
		return err
	case <-time.After(10 * time.Second):
		k.t.Fatal("Serve goes on")
	}
	return nil
}

// batch is what a slot holds.
func (k *client) batch(f *filled) pipeline.Batch {
	g := k.Greeting
	s := k.memory[f.Slot*g.SlotBytes:]
	b := pipeline.Batch{Epoch: f.Epoch, Step: f.Step, Images: f.Images}
	b.Pixels = slices.Clone(s[:f.Rows*g.Shape[1]*g.Shape[2]*g.Shape[3]])
	for row := range f.Rows {
		for c := range 3 {
			b.Colour = append(b.Colour, math.Float32frombits(binary.LittleEndian.Uint32(s[g.Colours+12*row+4*c:])))
		}
		b.Labels = append(b.Labels, int32(binary.LittleEndian.Uint64(s[g.Labels+8*row:])))
		b.Samples = append(b.Samples, int(int64(binary.LittleEndian.Uint64(s[g.Samples+8*row:]))))
	}
	return b
}

// TestServe compares a stream with the loader itself, batch by batch.
func TestServe(t *testing.T) {
	d := testDataset(t, testShards(t))
	for name, l := range map[string]pipeline.LoaderConfig{
		"train":          {Train: true, PCA: &testPCA, Seed: 3},
		"channels first": {Train: true, PCA: &testPCA, Seed: 3, ChannelsFirst: true},
		"pad":            {},
		"partial":        {Ragged: pipeline.RaggedPartial, ChannelsFirst: true},
		"rank":           {Train: true, Rank: 1, Ranks: 2, StartStep: 1, StartEpoch: 1, Ragged: pipeline.RaggedPartial},
	} {
		t.Run(name, func(t *testing.T) {
			l.Batch, l.Crop, l.Workers, l.Prefetch, l.Epochs = 6, 8, 2, 2, 3
			k := serve(t, d, Config{Loader: l, Hold: 1})
			want, err := pipeline.NewLoader(d, l)
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			if g := k.Greeting; g.Stream != Version || g.Slots != 3 || g.Images != testImages || g.Batches != want.BatchesPerEpoch() ||
				g.Size != testSize || len(g.Classes) != 2 || g.SlotBytes%os.Getpagesize() != 0 || g.Bytes != 3*g.SlotBytes {
				t.Fatalf("greeting %+v", g)
			}
			for {
				r := k.reply()
				w, err := want.Next(t.Context())
				if err == io.EOF {
					if !r.End {
						t.Fatalf("%+v behind the end", r)
					}
					break
				}
				if err != nil || r.Batch == nil {
					t.Fatal(err, r)
				}
				got := k.batch(r.Batch)
				if got.Epoch != w.Epoch || got.Step != w.Step || got.Images != w.Images || string(got.Pixels) != string(w.Pixels) ||
					!slices.Equal(got.Colour, w.Colour) || !slices.Equal(got.Labels, w.Labels) || !slices.Equal(got.Samples, w.Samples) {
					t.Fatalf("%+v\nwant\n%+v", got, w)
				}
				w.Release()
				k.say(`{"release":%d}`, r.Batch.Slot)
			}
			if err := k.end(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A client that holds all slots gets names, and no batch until it releases one.
func TestHeld(t *testing.T) {
	d := testDataset(t, testShards(t))
	k := serve(t, d, Config{Loader: pipeline.LoaderConfig{Batch: 4, Crop: 8, Workers: 2, Prefetch: 2}, Hold: 2})
	a, b := k.reply().Batch, k.reply().Batch
	first := k.batch(a)
	for k.loaderStats(); k.loaderStats().Pictures < 16; { // two with the client, two ahead
		time.Sleep(time.Millisecond)
	}
	k.say(`{"id":7,"names":[0,20]}`)
	if r := k.reply(); r.ID != 7 || !slices.Equal(r.Names, []string{`0 "ü".png`, `20 "ü".png`}) {
		t.Errorf("names %+v", r)
	}
	k.say(`{"id":8,"names":[21]}`)
	if r := k.reply(); r.ID != 8 || !strings.Contains(r.Error, "sample 21, want 0 to 20") {
		t.Errorf("a name that isn't there: %+v", r)
	}
	k.say(`{"id":9,"stats":true}`)
	if r := k.reply(); r.ID != 9 || r.Stats == nil || r.Stats.Workers != 2 || r.Stats.Pictures != 16 {
		t.Errorf("stats %+v", r)
	}
	if !reflect.DeepEqual(k.batch(a), first) {
		t.Error("a batch changed while the client had it")
	}
	k.say(`{"release":%d}`, b.Slot)
	for step := 2; step < 9; step++ { // around the loader's ring, past the batch that is kept
		r := k.reply()
		if r.Batch == nil || r.Batch.Slot == a.Slot || r.Batch.Epoch*6+r.Batch.Step != step {
			t.Fatalf("%+v behind a release", r)
		}
		if step < 8 {
			k.say(`{"release":%d}`, r.Batch.Slot)
		}
	}
	if !reflect.DeepEqual(k.batch(a), first) {
		t.Error("a batch changed while the client had it")
	}
	k.say(`{"release":5}`)
	if r := k.reply(); r.Kind != KindFailed || !strings.Contains(r.Error, "slot 5") {
		t.Errorf("a slot that isn't there: %+v", r)
	}
	if err := k.wait(); err == nil {
		t.Error("no error from Serve")
	}
}

func TestOnDemand(t *testing.T) {
	d := testDataset(t, testShards(t))
	for _, channelsFirst := range []bool{false, true} {
		k := serve(t, d, Config{OnDemand: true, Hold: 2, Loader: pipeline.LoaderConfig{Batch: 3, Workers: 2, ChannelsFirst: channelsFirst}})
		for slot, samples := range [][]int{{20, 0, 20}, {7}} {
			k.say(`{"id":1,"slot":%d,"pick":%s}`, slot, strings.ReplaceAll(fmt.Sprint(samples), " ", ","))
			r := k.reply()
			if r.Batch == nil {
				t.Fatalf("%+v", r)
			}
			var want []byte
			for _, i := range samples {
				p := testPicture(i)
				if channelsFirst {
					augment.Planes(p, testPicture(i))
				}
				want = append(want, p...)
			}
			if b := k.batch(r.Batch); string(b.Pixels) != string(want) || !slices.Equal(b.Samples, samples) || int(b.Labels[0]) != samples[0]%2 {
				t.Errorf("samples %v: %+v", samples, b)
			}
		}
		for _, wrong := range []string{`"pick":[0,1,2,3]`, `"pick":[21]`, `"pick":[0],"slot":2`} {
			k.say(`{"id":2,%s}`, wrong)
			if r := k.reply(); r.ID != 2 || r.Error == "" {
				t.Errorf("%s: %+v", wrong, r)
			}
		}
		k.say(`{"close":true}`)
		if err := k.wait(); err != nil {
			t.Error(err)
		}
	}
}

// endless is a line that never ends.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	return len(p), nil
}

// TestBoundedLines: a line without an end is refused when it is longer than any
// request, on demand and in epochs; so are more names than an answer should hold,
// and lines that aren't JSON.
func TestBoundedLines(t *testing.T) {
	d := testDataset(t, testShards(t))
	for _, onDemand := range []bool{false, true} {
		c := Config{OnDemand: onDemand, Hold: 2, Loader: pipeline.LoaderConfig{Batch: 4, Crop: 8, Workers: 1, Prefetch: 2}}
		c.Memory = func(size int) ([]byte, error) { return make([]byte, size), nil }
		in := new(endless)
		if err := Serve(t.Context(), d, c, in, io.Discard); err == nil || !strings.Contains(err.Error(), "over 4194304 bytes") {
			t.Errorf("on demand %v: %v", onDemand, err)
		}
		if in.read > 2*mostLine {
			t.Errorf("%d bytes of one line were read", in.read)
		}
		if err := Serve(t.Context(), d, c, strings.NewReader("{}\nhello\n"), io.Discard); err == nil || !strings.Contains(err.Error(), "a client's line") {
			t.Errorf("no JSON, on demand %v: %v", onDemand, err)
		}
	}
	k := serve(t, d, Config{OnDemand: true, Hold: 1, Loader: pipeline.LoaderConfig{Batch: 3, Workers: 1}})
	k.say(`{"id":1,"names":[%s0]}`, strings.Repeat("0,", mostNames))
	if r := k.reply(); r.ID != 1 || !strings.Contains(r.Error, "65537 names, want at most 65536") {
		t.Errorf("%+v", r)
	}
	k.say(`{"id":2,"names":[3]}`)
	if r := k.reply(); len(r.Names) != 1 {
		t.Errorf("%+v behind a refusal", r)
	}
	if err := k.end(); err != nil {
		t.Error(err)
	}
}

// Damage, options and memory that make no stream are told apart.
func TestKinds(t *testing.T) {
	dir := testShards(t)
	d := testDataset(t, dir)
	l := pipeline.LoaderConfig{Batch: 4, Crop: 8, Workers: 1, Prefetch: 2}
	first := func(c Config, d *pipeline.Dataset) reply {
		var out strings.Builder
		if c.Memory == nil {
			c.Memory = func(size int) ([]byte, error) { return make([]byte, size), nil }
		}
		c.Hold = 6 // all of an epoch before the client releases anything
		in, w := io.Pipe()
		defer w.Close()
		if err := Serve(context.Background(), d, c, in, &out); err == nil {
			t.Error("no error")
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		var r reply
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	large := l
	large.Crop = testSize + 1
	if r := first(Config{Loader: large}, d); r.Kind != KindUsage || !strings.Contains(r.Error, "crop 13") {
		t.Errorf("%+v", r)
	}
	full := func(int) ([]byte, error) { return nil, fmt.Errorf("no space left on device") }
	if r := first(Config{Loader: l, Memory: full}, d); r.Kind != KindMemory || !strings.Contains(r.Error, "no space left") {
		t.Errorf("%+v", r)
	}
	name := filepath.Join(dir, "shard.00000.mds")
	shard, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	shard[len(shard)-30] ^= 1 // in the last sample
	broken := t.TempDir()
	index, err := os.ReadFile(filepath.Join(dir, mds.IndexName))
	if err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{"shard.00000.mds": shard, mds.IndexName: index} {
		if err := os.WriteFile(filepath.Join(broken, file), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	bad := testDataset(t, broken)
	if r := first(Config{Loader: l}, bad); r.Kind != KindDamaged || !strings.Contains(r.Error, "sample 20") {
		t.Errorf("%+v", r)
	}
	l.SkipBad = true
	l.Ragged = pipeline.RaggedPartial
	l.Batch = 7
	k := serve(t, bad, Config{Loader: l, Hold: 3})
	var told []badSample
	for {
		r := k.reply()
		told = append(told, r.Bad...)
		if r.Batch != nil && r.Batch.Step == 2 {
			if r.Batch.Images != 6 || len(told) != 1 || told[0].Sample != 20 {
				t.Errorf("%+v, told of %v", r.Batch, told)
			}
			break
		}
	}
	if err := k.end(); err != nil {
		t.Error(err)
	}
}

// TestManyBad: each bad sample is named once, so that what is said of them doesn't
// grow with their square, and no more than a loader remembers.
func TestManyBad(t *testing.T) {
	const n, batch, most = 12_000, 100, 1000
	d := testDataset(t, writeShards(t, n, func(i int) bool { return i%batch < 15 }))
	k := serve(t, d, Config{Hold: 3, Loader: pipeline.LoaderConfig{Batch: batch, Crop: 8, Workers: 2, Prefetch: 2, SkipBad: true, Epochs: 1}})
	told, images := map[int]bool{}, 0
	for {
		r := k.reply()
		if r.End {
			break
		}
		for _, b := range r.Bad {
			if told[b.Sample] || b.Sample%batch < 15 || b.Reason == "" {
				t.Fatalf("%+v is told, once more: %v", b, told[b.Sample])
			}
			told[b.Sample] = true
		}
		if r.Batch != nil {
			images += r.Batch.Images
			k.say(`{"release":%d}`, r.Batch.Slot)
		} else if r.Bad == nil {
			t.Fatalf("%+v", r)
		}
	}
	if len(told) != most || images != n/batch*15 {
		t.Errorf("%d samples are told, want %d; %d pictures came", len(told), most, images)
	}
	if err := k.end(); err != nil {
		t.Error(err)
	}
}
