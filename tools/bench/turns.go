package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"alexnet/augment"
	"alexnet/internal/cputime"
	"alexnet/pipeline"
	"alexnet/pipeline/jpeg/turbojpeg"
)

// noise has axes as large as ImageNet's.
var noise = augment.PCA{
	Units: augment.Units255, Pixels: 1,
	Covariance:   [3][3]float64{{14830, 0, 0}, {0, 1376, 0}, {0, 0, 389}},
	Eigenvalues:  [3]float64{14830, 1376, 389},
	Eigenvectors: [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
}

// ours is a turn of our loader on a folder of shards.
func (j *loaderJob) ours(ctx context.Context, dir string) (turn, error) {
	began := time.Now()
	d, err := pipeline.OpenDataset(dir)
	if err != nil {
		return turn{}, err
	}
	defer d.Close()
	l, err := pipeline.NewLoader(d, pipeline.LoaderConfig{Batch: j.batch, Train: true, PCA: &noise, Augment: j.recipe, Workers: j.workers})
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
	var first time.Duration
	for range 8 { // twice around the ring, so that pages and caches are warm
		if _, err := batch(); err != nil {
			return turn{}, err
		}
		if first == 0 {
			first = time.Since(began)
		}
	}
	t, err := j.clock(func(running func() bool) (images int, err error) {
		for running() && err == nil {
			var n int
			n, err = batch()
			images += n
		}
		return images, err
	})
	t.First = first.Seconds()
	return t, err
}

// clock measures work, which continues while running returns true.
func (j *loaderJob) clock(work func(running func() bool) (images int, err error)) (turn, error) {
	began, used := time.Now(), cputime.Used()
	images, err := work(func() bool { return time.Since(began) < j.time })
	return turn{Images: images, Seconds: time.Since(began).Seconds(), CPUSeconds: (cputime.Used() - used).Seconds()}, err
}

// parallel makes a function for each worker and calls it with random numbers of
// samples.
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

// copies copies crops of random raw pictures in memory: as many bytes as a batch, from
// more memory than the caches hold.
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

// samples are the encoded pictures of one codec's shards, in memory.
func (j *loaderJob) samples(name string) (pictures [][]byte, d *pipeline.Dataset, err error) {
	if d, err = pipeline.OpenDataset(j.shards(name)); err != nil {
		return nil, nil, err
	}
	for i := range d.Len() {
		s, err := d.Sample(i)
		if err != nil {
			return nil, nil, errors.Join(err, d.Close())
		}
		pictures = append(pictures, s.Image)
	}
	return pictures, d, nil
}

// huffman decodes the residuals of the lossless shards' pictures, without making pixels
// of them.
func (j *loaderJob) huffman(context.Context) (turn, error) {
	pictures, d, err := j.samples("lossless")
	if err != nil {
		return turn{}, err
	}
	defer d.Close()
	return j.parallel(len(pictures), func() (func(int) error, error) {
		decoder, ok := d.Codec().NewDecoder(d.Meta().Size).(interface{ Residuals(src []byte) error })
		if !ok {
			return nil, errors.New("the codec has no Huffman codes")
		}
		return func(sample int) error { return decoder.Residuals(pictures[sample]) }, nil
	})
}

// turbo decodes the jpeg shards' pictures into the same memory each.
func (j *loaderJob) turbo(context.Context) (turn, error) {
	pictures, d, err := j.samples("jpeg")
	if err != nil {
		return turn{}, err
	}
	defer d.Close()
	size := d.Meta().Size
	return j.parallel(len(pictures), func() (func(int) error, error) {
		decoder, err := turbojpeg.NewDecoder()
		rgb := make([]byte, size*size*3)
		return func(sample int) error {
			return decoder.Decode(rgb, pictures[sample], turbojpeg.Header{Width: size, Height: size})
		}, err
	})
}
