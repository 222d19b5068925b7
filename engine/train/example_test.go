package train_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"alexnet/engine/train"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
	"alexnet/pipeline/synthetic"
)

// progress tells of every validation.
type progress struct{ train.Silent }

func (progress) Progress(p train.Progress) {
	if p.Event == train.Validated {
		fmt.Printf("epoch %d of %d, step %d of %d\n", p.Epoch, p.Epochs, p.Step, p.Steps)
	}
}

// Train a net from shards, stop in mid-epoch, and go on.
func Example() {
	dir := syntheticShards(40)
	defer os.RemoveAll(dir)

	c := train.Defaults()
	c.Train, c.Val = filepath.Join(dir, "train"), filepath.Join(dir, "val")
	c.Run = filepath.Join(dir, "run") // receives checkpoints and metrics
	c.AutoResume = true               // begin the run, or go on with it
	c.Net, c.Devices = "testdata/tiny.json", "cpu"
	c.Batch, c.Epochs = 30, 4
	c.Init, c.LR, c.Warmup = "he", 0.02, 5

	for _, limit := range []uint64{10, 0} { // 0 is none
		c.Steps = limit
		r, err := train.Run(context.Background(), c, progress{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s after %d steps\n", r.Stop, r.Steps)
		if limit == 0 {
			fmt.Println("better than chance:", r.Best.Best < 0.6)
		}
	}
	// Output:
	// epoch 1 of 4, step 4 of 10
	// epoch 2 of 4, step 8 of 10
	// the limit on steps is reached after 10 steps
	// epoch 3 of 4, step 12 of 16
	// epoch 4 of 4, step 16 of 16
	// all epochs are done after 16 steps
	// better than chance: true
}

// syntheticShards renders pictures of three classes, and makes the folders train and
// val of them as "prep-imagenet shard" does.
func syntheticShards(perClass int) string {
	dir, err := os.MkdirTemp("", "train-example-")
	if err != nil {
		log.Fatal(err)
	}
	ctx, pictures := context.Background(), filepath.Join(dir, "pictures")
	if _, err := synthetic.Write(ctx, pictures, synthetic.Config{Classes: 3, PerClass: perClass, Size: 32}, nil); err != nil {
		log.Fatal(err)
	}
	for _, split := range []string{"train", "val"} {
		src, err := source.Open(ctx, filepath.Join(pictures, split), source.Options{})
		if err != nil {
			log.Fatal(err)
		}
		defer src.Close()
		if _, err := pipeline.Shard(ctx, pipeline.ShardConfig{Out: filepath.Join(dir, split), Split: split, Size: 32}, src, nil); err != nil {
			log.Fatal(err)
		}
	}
	return dir
}
