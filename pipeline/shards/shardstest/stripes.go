// Package shardstest makes small folders of shards for tests.
package shardstest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"alexnet/pipeline"
	"alexnet/pipeline/source"
)

// Stripes makes a folder of raw shards through the sharding job itself. Its
// classes, at most four that differ, are stripes of as many directions in random
// colours; pictures have size pixels a side.
func Stripes(t testing.TB, out, split string, classes, perClass, size int) {
	t.Helper()
	pictures := t.TempDir()
	r := rand.New(rand.NewPCG(1, uint64(len(split))))
	for class := range classes {
		folder := filepath.Join(pictures, fmt.Sprintf("class%d", class))
		if err := os.Mkdir(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		for i := range perClass {
			img := image.NewRGBA(image.Rect(0, 0, size, size))
			a, b := randomColour(r, 0), randomColour(r, 128)
			phase := r.IntN(8)
			for y := range size {
				for x := range size {
					c := a
					if ([]int{x, y, x + y, x - y + 32}[class%4]+phase)/4%2 == 0 {
						c = b
					}
					img.SetRGBA(x, y, c)
				}
			}
			var buf bytes.Buffer
			if err := png.Encode(&buf, img); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%02d.png", i)), buf.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	src, err := source.Open(t.Context(), pictures, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := pipeline.Shard(t.Context(), pipeline.ShardConfig{Out: out, Split: split, Codec: "raw", Size: size}, src, nil); err != nil {
		t.Fatal(err)
	}
}

func randomColour(r *rand.Rand, from int) color.RGBA {
	c := func() uint8 { return uint8(from + r.IntN(128)) }
	return color.RGBA{c(), c(), c(), 255}
}
