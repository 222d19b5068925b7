package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"alexnet/augment"
	"alexnet/pipeline"
	"alexnet/pipeline/turbojpeg"
)

// noise has axes as large as ImageNet's.
var noise = augment.PCA{
	Units: augment.Units255, Pixels: 1,
	Covariance:   [3][3]float64{{14830, 0, 0}, {0, 1376, 0}, {0, 0, 389}},
	Eigenvalues:  [3]float64{14830, 1376, 389},
	Eigenvectors: [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
}

// ours is a turn of our loader.
func (j *loaderJob) ours(ctx context.Context, codec string) (turn, error) {
	d, err := pipeline.OpenDataset(j.shards(codec))
	if err != nil {
		return turn{}, err
	}
	defer d.Close()
	l, err := pipeline.NewLoader(d, pipeline.LoaderConfig{Batch: j.batch, Train: true, PCA: &noise, Workers: j.workers})
	if err != nil {
		return turn{}, err
	}
	defer l.Close()
	batch := func() (int, error) {
		b, err := l.Next(ctx)
		if err != nil {
			return 0, err
		}
		defer b.Release()
		return b.Images, nil
	}
	for range 8 { // twice around the ring, as pages and caches warm up
		if _, err := batch(); err != nil {
			return turn{}, err
		}
	}
	return j.clock(func(running func() bool) (images int, err error) {
		for running() && err == nil {
			var n int
			n, err = batch()
			images += n
		}
		return images, err
	})
}

// clock measures work, which goes on while running says so.
func (j *loaderJob) clock(work func(running func() bool) (images int, err error)) (turn, error) {
	began, used := time.Now(), cpuTime()
	images, err := work(func() bool { return time.Since(began) < j.time })
	return turn{Images: images, Seconds: time.Since(began).Seconds(), CPUSeconds: (cpuTime() - used).Seconds()}, err
}

// parallel has each of the workers call one, which is made for it, with random
// numbers of samples.
func (j *loaderJob) parallel(samples int, worker func() (one func(sample int) error, err error)) (turn, error) {
	return j.clock(func(running func() bool) (int, error) {
		var images atomic.Int64
		errs := make([]error, j.workers)
		var group sync.WaitGroup
		for w := range j.workers {
			group.Go(func() {
				one, err := worker()
				for err == nil && running() {
					err = one(rand.IntN(samples))
					images.Add(1)
				}
				errs[w] = err
			})
		}
		group.Wait()
		return int(images.Load()), errors.Join(errs...)
	})
}

// copies copies crops of random raw pictures in memory, as many bytes as a
// batch takes and more memory than the caches have.
func (j *loaderJob) copies(context.Context) (turn, error) {
	const size, crop = 256, 224
	n := min(j.limit, 1024)
	src := bytes.Repeat([]byte{1, 2, 3}, n*size*size)
	dst := bytes.Repeat([]byte{1, 2, 3}, 4*j.batch*crop*crop)
	var row atomic.Int64
	return j.parallel(n, func() (func(int) error, error) {
		return func(sample int) error {
			to := dst[int(row.Add(1))%(4*j.batch)*crop*crop*3:][:crop*crop*3]
			augment.CopyCrop(to, src[sample*size*size*3:][:size*size*3], size, 16, 16, crop, false)
			return nil
		}, nil
	})
}

// turbo decodes the jpeg shards' pictures into the same memory each.
func (j *loaderJob) turbo(context.Context) (turn, error) {
	d, err := pipeline.OpenDataset(j.shards("jpeg"))
	if err != nil {
		return turn{}, err
	}
	defer d.Close()
	pictures := make([][]byte, d.Len())
	for i := range pictures {
		s, err := d.Sample(i)
		if err != nil {
			return turn{}, err
		}
		pictures[i] = s.Image
	}
	size := d.Meta().Size
	return j.parallel(len(pictures), func() (func(int) error, error) {
		decoder, err := turbojpeg.NewDecoder()
		rgb := make([]byte, size*size*3)
		return func(sample int) error {
			return decoder.Decode(rgb, pictures[sample], turbojpeg.Header{Width: size, Height: size})
		}, err
	})
}

// peer is a turn of one peer, in a process of its own.
func (j *loaderJob) peer(ctx context.Context, name string) (turn, error) {
	c := exec.CommandContext(ctx, j.python, j.peers, name, "--jpegs", j.jpegs(), "--mds", j.shards("jpeg"), "--work", j.work,
		"--seconds", fmt.Sprint(j.time.Seconds()), "--workers", fmt.Sprint(j.workers), "--batch", fmt.Sprint(j.batch))
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return turn{}, fmt.Errorf("%s: %s", err, lines[len(lines)-1])
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	var t turn
	if err := json.Unmarshal(lines[len(lines)-1], &t); err != nil {
		return turn{}, fmt.Errorf("its answer %q: %w", lines[len(lines)-1], err)
	}
	return t, nil
}
