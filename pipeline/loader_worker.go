package pipeline

import (
	"math"
	"time"

	"alexnet/augment"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/resample"
)

// worker is one goroutine of a loader with its scratch memory.
type worker struct {
	loader  *Loader
	dataset *Dataset      // the loader's
	config  *LoaderConfig // the loader's
	stats   *counters     // the loader's
	decoder codec.Decoder
	cropper codec.CropDecoder // the codec's decoder of crops; nil if it decodes only whole pictures
	picture []byte            // (size, size, 3), the last decoded picture
	size    int
	fixed   []augment.View // views of every picture; nil: one random view
	random  [1]augment.View
	stream  augment.Stream // of the current presentation

	rectangles augment.Cropper   // for random rectangles; nil: random crops
	resizer    *resample.Resizer // for the rectangles
	resized    []byte            // (crop, crop, 3), before it is mirrored
	painters   []augment.Painter // in the order of their draws
	mean       [3]byte           // the dataset's mean colour
	pixels     []byte            // (crop, crop, 3), the canvas if channels come first, else nil

	epoch int // of order; −1: none
	order []uint32

	hintEpoch int // of hintOrder; −1: none
	hintOrder []uint32
}

func newWorker(l *Loader) *worker {
	size := l.dataset.Meta().Size
	w := &worker{
		loader:  l,
		dataset: l.dataset,
		config:  &l.config,
		stats:   &l.stats,
		decoder: l.dataset.Codec().NewDecoder(size),
		picture: make([]byte, size*size*3),
		size:    size,
		epoch:   -1, hintEpoch: -1,
	}
	if l.config.Train {
		w.augment(l.config.Augment)
	}
	if l.config.ChannelsFirst {
		w.pixels = make([]byte, l.config.Crop*l.config.Crop*3)
	}
	w.cropper, _ = w.decoder.(codec.CropDecoder)
	switch {
	case l.config.TenCrop:
		views := augment.TenViews(size, l.config.Crop)
		w.fixed = views[:]
	case !l.config.Train:
		w.fixed = []augment.View{augment.CentreView(size, l.config.Crop)}
	}
	return w
}

// augment prepares the augmentations besides views and noise.
func (w *worker) augment(recipe augment.Recipe) {
	for _, a := range recipe {
		switch a := a.(type) {
		case augment.Cropper:
			w.rectangles = a
			w.resizer, w.resized = resample.New(resample.Linear), make([]byte, w.config.Crop*w.config.Crop*3)
		case augment.Painter:
			w.painters = append(w.painters, a)
		}
	}
	mean := augment.ImageNet.Mean
	if s := w.dataset.Meta().Statistics; s.Pixels > 0 {
		mean = s.Mean()
	}
	for c, v := range mean {
		w.mean[c] = byte(math.RoundToEven(v))
	}
}

// run fills pictures until the loader stops or ends.
func (w *worker) run() {
	l := w.loader
	defer l.workers.Done()
	for {
		ticket := int(l.tickets.Add(1) - 1)
		batch, place := l.start+ticket/l.pictures, ticket%l.pictures
		if l.end >= 0 && batch >= l.end {
			return
		}
		s := l.ring[(batch-l.start)%len(l.ring)]
		began := time.Now()
		if !s.await(batch) {
			return
		}
		w.stats.workerWait.Add(int64(time.Since(began)))
		l.prefetcher.advanced()
		w.hint(ticket)
		w.fill(s, batch, place)
		if l.stopped.Load() {
			return // the slot may hold an error of the end
		}
		s.done()
	}
}

// fill writes the rows of the picture at one place of a batch.
func (w *worker) fill(s *batchSlot, batch, place int) {
	l := w.loader
	epoch, step := batch/l.steps, batch%l.steps
	at := l.at(step, place)
	if at >= w.dataset.Len() {
		w.pad(&s.batch, place)
		return
	}
	sample := w.sample(epoch, at)
	if w.dataset.remote != nil {
		began := time.Now()
		err := w.dataset.await(l.ctx, sample)
		w.stats.fetch.Add(int64(time.Since(began)))
		if err != nil {
			s.fail(place, sample, err)
			return
		}
	}
	if err := w.present(&s.batch, place, epoch, sample); err != nil {
		s.fail(place, sample, err)
		return
	}
	w.stats.pictures.Add(1)
}

// sample is the number of the sample at a place of an epoch.
func (w *worker) sample(epoch, at int) int {
	if w.epoch != epoch {
		w.epoch, w.order = epoch, w.loader.orders.get(epoch)
	}
	if w.order == nil {
		return at
	}
	return int(w.order[at])
}

// present fills the rows of one sample.
func (w *worker) present(b *Batch, place, epoch, sample int) error {
	stream := &w.stream
	*stream = augment.NewStream(w.config.Seed, uint64(epoch), uint64(sample))
	views := w.fixed
	if views == nil {
		w.random[0] = augment.RandomView(stream, w.size, w.config.Crop)
		w.random[0].Flip = w.random[0].Flip && !w.config.NoFlip
		if w.config.Centre { // the following draws are the same
			w.random[0] = augment.CentreView(w.size, w.config.Crop)
		}
		views = w.random[:]
	}
	var colour [3]float32
	if w.config.Train && w.config.PCA != nil {
		colour = w.config.PCA.Noise(stream, w.config.Sigma, w.config.Noise)
	}
	first := place * len(views)
	var label int
	var err error
	if w.rectangles != nil {
		label, err = w.resizeView(w.canvas(b, first), sample, w.rectangles.Draw(stream, w.size), views[0].Flip)
	} else {
		label, err = w.copyViews(b, first, sample, views)
	}
	if err != nil {
		return err
	}
	began := time.Now()
	for _, p := range w.painters {
		p.Paint(stream, augment.Picture{RGB: w.canvas(b, first), Size: w.config.Crop, Mean: w.mean})
	}
	w.finish(b, first+len(views)-1)
	w.stats.augment.Add(int64(time.Since(began)))
	for row := first; row < first+len(views); row++ {
		copy(b.Colour[3*row:], colour[:])
		b.Labels[row] = int32(label)
		b.Samples[row] = sample
	}
	return nil
}

// copyViews writes the pixels of a sample's views to the rows from row on: directly if
// the codec decodes crops, otherwise from the whole picture. All but the last view are
// finished.
func (w *worker) copyViews(b *Batch, row, sample int, views []augment.View) (label int, err error) {
	began := time.Now()
	if w.cropper != nil && len(views) == 1 {
		label, err = w.dataset.crop(w.loader.ctx, w.cropper, sample, w.canvas(b, row), views[0], w.config.Crop)
		w.stats.decode.Add(int64(time.Since(began)))
		return label, err
	}
	label, err = w.dataset.pixels(w.loader.ctx, w.decoder, sample, w.picture)
	decoded := time.Now()
	w.stats.decode.Add(int64(decoded.Sub(began)))
	if err != nil {
		return 0, err
	}
	for i, v := range views {
		if i > 0 {
			w.finish(b, row+i-1)
		}
		augment.CopyCrop(w.canvas(b, row+i), w.picture, w.size, v.X, v.Y, w.config.Crop, v.Flip)
	}
	w.stats.augment.Add(int64(time.Since(decoded)))
	return label, nil
}

// resizeView writes a rectangle of a sample to dst, resized to the crop's size.
func (w *worker) resizeView(dst []byte, sample int, r augment.Rect, flip bool) (label int, err error) {
	began := time.Now()
	label, err = w.dataset.pixels(w.loader.ctx, w.decoder, sample, w.picture)
	decoded := time.Now()
	w.stats.decode.Add(int64(decoded.Sub(began)))
	if err != nil {
		return 0, err
	}
	crop := w.config.Crop
	picture := resample.Image{Pix: w.picture, Stride: 3 * w.size, Width: w.size, Height: w.size}
	window := resample.Box{X: float64(r.X), Y: float64(r.Y), Width: float64(r.Width), Height: float64(r.Height)}
	if flip {
		w.resizer.Resize(w.resized, crop, crop, picture, window)
		augment.CopyCrop(dst, w.resized, crop, 0, 0, crop, true)
	} else {
		w.resizer.Resize(dst, crop, crop, picture, window)
	}
	w.stats.augment.Add(int64(time.Since(decoded)))
	return label, nil
}

// pad clears the rows of a place after the epoch's last picture.
func (w *worker) pad(b *Batch, place int) {
	n := w.config.views()
	for row := place * n; row < (place+1)*n; row++ {
		clear(w.row(b, row))
		clear(b.Colour[3*row : 3*row+3])
		b.Labels[row], b.Samples[row] = -1, -1
	}
}

// canvas returns the memory for a row's picture, channels last.
func (w *worker) canvas(b *Batch, row int) []byte {
	if w.pixels != nil {
		return w.pixels
	}
	return w.row(b, row)
}

// finish moves the picture on the canvas to its row.
func (w *worker) finish(b *Batch, row int) {
	if w.pixels != nil {
		augment.Planes(w.row(b, row), w.pixels)
	}
}

// row returns the pixels of one row of a batch.
func (w *worker) row(b *Batch, row int) []byte {
	n := w.config.Crop * w.config.Crop * 3
	return b.Pixels[row*n:][:n]
}
