package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"alexnet/pipeline"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/mds"
)

// A folder of shards is opened and read for one epoch.
func Example() {
	dir, err := os.MkdirTemp("", "shards")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	writeShards(dir)

	dataset, err := pipeline.OpenDataset(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer dataset.Close()
	loader, err := pipeline.NewLoader(dataset, pipeline.LoaderConfig{
		Batch: 2, Crop: 3, Train: true, Seed: 1, Epochs: 1, Ragged: pipeline.RaggedPad,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer loader.Close()
	for {
		batch, err := loader.Next(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("step %d: %d images, samples %d, labels %d, %d bytes\n",
			batch.Step, batch.Images, batch.Samples, batch.Labels, len(batch.Pixels))
		batch.Release()
	}
	// Output:
	// step 0: 2 images, samples [0 4], labels [0 0], 54 bytes
	// step 1: 2 images, samples [1 3], labels [1 1], 54 bytes
	// step 2: 1 images, samples [2 -1], labels [0 -1], 54 bytes
}

// writeShards makes a folder of five grey pictures of 4×4 pixels.
func writeShards(dir string) {
	const size, images = 4, 5
	raw := codec.Raw{}
	w, err := mds.NewWriter(dir, mds.WriterConfig{Columns: []mds.Column{
		{Name: pipeline.ImageColumn, Encoding: raw.Encoding(size)},
		{Name: pipeline.LabelColumn, Encoding: "int"},
		{Name: pipeline.NameColumn, Encoding: "str"},
	}})
	if err != nil {
		log.Fatal(err)
	}
	for i := range images {
		rgb := make([]byte, size*size*3)
		for k := range rgb {
			rgb[k] = byte(i)
		}
		if err := w.Write(rgb, mds.AppendInt(nil, int64(i%2)), fmt.Appendf(nil, "%d.png", i)); err != nil {
			log.Fatal(err)
		}
	}
	shards, err := w.Finish()
	if err != nil {
		log.Fatal(err)
	}
	meta, err := json.Marshal(pipeline.Meta{
		FormatVersion: pipeline.FormatVersion, Split: "train", Images: images, Size: size, Codec: "raw",
		Classes: []pipeline.Class{{ID: "even"}, {ID: "odd"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	index := mds.Index{Version: mds.Version, Shards: shards, Extra: map[string]json.RawMessage{pipeline.MetaKey: meta}}
	if err := index.Write(dir); err != nil {
		log.Fatal(err)
	}
}
