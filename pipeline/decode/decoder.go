package decode

import (
	"context"
	"fmt"
	"image"
	"math"
	"slices"

	"alexnet/pipeline/jpeg"
	"alexnet/pipeline/jpeg/turbojpeg"
	"alexnet/pipeline/resample"
)

// DefaultSize is the side of a shard's pictures in pixels.
const DefaultSize = 256

// DefaultMaxPixels bounds the memory that one picture may ask for.
const DefaultMaxPixels = 200e6

// Decoders and resamplers that Config names.
const (
	Auto    = "auto"    // libjpeg-turbo if the machine has it
	Turbo   = "turbo"   // libjpeg-turbo or an error
	Go      = "go"      // package jpeg's own decoder, even if the machine has libjpeg-turbo
	Fast    = "fast"    // package resample
	Imaging = "imaging" // the reference that Fast is checked against; slow
)

// Config are the options of New.
type Config struct {
	Size      int    // side of the square result in pixels; 0 means DefaultSize
	MaxPixels int    // larger pictures are refused unread; 0 means DefaultMaxPixels
	MaxBytes  int64  // of memory for decoding a picture (Description.Memory); 0 means 16 for each of MaxPixels
	Decoder   string // of JPEG files that package jpeg's first decoder leaves to others: Auto, Turbo or Go; "" means Auto
	Resampler string // Fast or Imaging; "" means Fast
}

// Validate returns an error for a name that doesn't exist, and for Turbo where
// the library is missing.
func (c Config) Validate() error {
	switch c.Decoder {
	case "", Auto, Go:
	case Turbo:
		if err := turbojpeg.Available(); err != nil {
			return fmt.Errorf("decoder turbo: %w", err)
		}
	default:
		return fmt.Errorf("decoder %q: want %s, %s or %s", c.Decoder, Auto, Turbo, Go)
	}
	switch c.Resampler {
	case "", Fast, Imaging:
		return nil
	}
	return fmt.Errorf("resampler %q: want %s or %s", c.Resampler, Fast, Imaging)
}

// Decoder turns picture files into square RGB pictures. It keeps scratch memory
// between pictures, so each worker has its own.
type Decoder struct {
	size    int
	limits  limits
	jpeg    *jpeg.Decoder
	resizer *resample.Resizer // nil: imaging
	rgb     []byte            // some rows of a picture before resizing

	enlarged bool // the last picture
}

// New returns a Decoder. It panics if cfg isn't valid.
func New(cfg Config) *Decoder {
	if err := cfg.Validate(); err != nil {
		panic("decode: " + err.Error())
	}
	if cfg.Size == 0 {
		cfg.Size = DefaultSize
	}
	if cfg.MaxPixels == 0 {
		cfg.MaxPixels = DefaultMaxPixels
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 16 * int64(cfg.MaxPixels)
	}
	r := &Decoder{size: cfg.Size, limits: limits{cfg.MaxPixels, cfg.MaxBytes}, jpeg: jpeg.NewDecoder(cfg.Decoder != Go)}
	if cfg.Resampler != Imaging {
		r.resizer = resample.New(filter)
	}
	return r
}

// filter is the resampling kernel.
var filter = resample.CatmullRom

// Decode overwrites dst (size×size×3 bytes, row-major RGB) with the picture that file
// holds. An error says what is wrong with the file and what to do, but not the file's
// name; dst is then undefined. Work and memory are bounded by the Config before
// anything is decoded. If ctx ends, so does decoding soon after, with ctx's error,
// which says nothing about the file.
func (r *Decoder) Decode(ctx context.Context, dst, file []byte) error {
	p, o, err := r.open(ctx, file)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	if o != 1 {
		p = r.upright(p, o)
	}
	r.enlarged = p.window.Width < float64(r.size)
	r.resize(dst, p)
	return nil
}

// Enlarged reports whether the picture that was decoded last was smaller than the result.
func (r *Decoder) Enlarged() bool { return r.enlarged }

// picture is a decoded picture, or the part of it that resizing reads.
type picture struct {
	width, height int
	window        resample.Box // the part that becomes the result
	// strip returns the rows from one up to another as RGB, valid until the next call.
	strip func(from, to int) resample.Image
}

func (r *Decoder) resize(dst []byte, p picture) {
	if r.resizer == nil {
		resizeByImaging(dst, r.size, p.strip(0, p.height), p.window)
		return
	}
	r.resizer.ResizeStrips(dst, r.size, r.size, p.width, p.height, p.strip, p.window)
}

// open decodes a picture, which is valid until the next call, and returns its
// orientation.
func (r *Decoder) open(ctx context.Context, file []byte) (p picture, o int, err error) {
	f, err := identify(file)
	if err != nil {
		return picture{}, 1, err
	}
	o = orientation(f.name, file)
	if f.name == "JPEG" {
		p, err := r.openJPEG(ctx, file, o)
		return p, o, err
	}
	size, _, err := r.limits.check(f, file)
	if err != nil {
		return picture{}, o, err
	}
	img, err := decode(ctx, f, file, size)
	if err != nil {
		return picture{}, o, err
	}
	part, window := r.part(img.Bounds(), o)
	return r.converted(img, part, window), o, nil
}

// converted is a part of a picture whose rows are converted to RGB on request.
func (r *Decoder) converted(img image.Image, part image.Rectangle, window resample.Box) picture {
	return picture{part.Dx(), part.Dy(), window, func(from, to int) resample.Image {
		rows := image.Rect(part.Min.X, part.Min.Y+from, part.Max.X, part.Min.Y+to)
		r.rgb = grow(r.rgb, 3*rows.Dx()*rows.Dy()+resample.Slack)
		flatten(r.rgb, img, rows)
		return resample.Image{Pix: r.rgb, Stride: 3 * rows.Dx(), Width: rows.Dx(), Height: rows.Dy()}
	}}
}

// part returns the part of a picture with bounds b that resizing reads, and the
// window that becomes the result in that part's coordinates.
func (r *Decoder) part(b image.Rectangle, orientation int) (image.Rectangle, resample.Box) {
	w := storedCentre(b.Dx(), b.Dy(), r.size, orientation)
	if r.resizer == nil {
		return b, w
	}
	scale := max(1, w.Width/float64(r.size), w.Height/float64(r.size))
	margin := filter.Support*scale + 1
	part := image.Rect(
		int(math.Floor(w.X-margin)), int(math.Floor(w.Y-margin)),
		int(math.Ceil(w.X+w.Width+margin)), int(math.Ceil(w.Y+w.Height+margin)),
	).Add(b.Min).Intersect(b)
	w.X -= float64(part.Min.X - b.Min.X)
	w.Y -= float64(part.Min.Y - b.Min.Y)
	return part, w
}

// grow returns s with length n. It reuses s's memory if it is large enough. The contents
// are undefined.
func grow(s []byte, n int) []byte {
	return slices.Grow(s[:0], n)[:n]
}
