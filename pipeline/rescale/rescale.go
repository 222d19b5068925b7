package rescale

import (
	"image"
	"image/color"
)

// DefaultSize is the side of a shard's pictures in pixels.
const DefaultSize = 256

// DefaultMaxPixels bounds the memory that one picture may ask for.
const DefaultMaxPixels = 200e6

// Config are the options of New.
type Config struct {
	Size      int // side of the square result in pixels; 0 means DefaultSize
	MaxPixels int // larger pictures are refused unread; 0 means DefaultMaxPixels
}

// Rescaler turns picture files into square RGB pictures. It keeps scratch memory
// between pictures, so each worker has its own.
type Rescaler struct {
	size, maxPixels int
	resampler       resampler
	planes          [3][]byte // size×size each, before orientation
	window          []byte    // interleaved RGB of a window that had to be converted
}

// New returns a Rescaler.
func New(cfg Config) *Rescaler {
	if cfg.Size == 0 {
		cfg.Size = DefaultSize
	}
	if cfg.MaxPixels == 0 {
		cfg.MaxPixels = DefaultMaxPixels
	}
	r := &Rescaler{size: cfg.Size, maxPixels: cfg.MaxPixels}
	for i := range r.planes {
		r.planes[i] = make([]byte, cfg.Size*cfg.Size)
	}
	return r
}

// Rescale overwrites dst (size×size×3 bytes, row-major RGB) with the picture
// that file holds. Its errors say what is wrong with the file and what to do,
// but not the file's name; dst is undefined after one.
func (r *Rescaler) Rescale(dst, file []byte) error {
	img, f, err := decode(file, r.maxPixels)
	if err != nil {
		return err
	}
	o := orientation(f.name, file)
	switch m := img.(type) {
	case *image.YCbCr:
		r.ycbcr(dst, m, o, f.name == "WebP")
	case *image.NYCbCrA:
		r.ycbcr(dst, &m.YCbCr, o, f.name == "WebP")
	default:
		r.rgb(dst, img, o)
	}
	return nil
}

// square returns the centred square of a w×h picture, at whole pixels.
func square(w, h int) (x, y, side int) {
	side = min(w, h)
	return (w - side) / 2, (h - side) / 2, side
}

// ycbcr resamples the three planes as they are stored and converts the result.
func (r *Rescaler) ycbcr(dst []byte, m *image.YCbCr, o int, studio bool) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	x, y, side := square(w, h)
	luma := plane{m.Y[m.YOffset(m.Rect.Min.X, m.Rect.Min.Y):], m.YStride, 1, w, h}
	r.resampler.resample(r.planes[0], r.size, luma, float64(x), float64(y), float64(side), float64(side))

	sx, sy := subsampling(m.SubsampleRatio)
	for i, pix := range [][]byte{m.Cb, m.Cr} {
		chroma := plane{pix[m.COffset(m.Rect.Min.X, m.Rect.Min.Y):], m.CStride, 1, (w + sx - 1) / sx, (h + sy - 1) / sy}
		r.resampler.resample(r.planes[1+i], r.size, chroma,
			float64(x)/float64(sx), float64(y)/float64(sy), float64(side)/float64(sx), float64(side)/float64(sy))
	}
	convert := color.YCbCrToRGB
	if studio {
		convert = studioToRGB
	}
	at0, dy, dx := upright(o, r.size)
	for y := range r.size {
		row := dst[y*r.size*3:][:r.size*3]
		at := at0 + y*dy
		for i := 0; i < len(row); i += 3 {
			row[i], row[i+1], row[i+2] = convert(r.planes[0][at], r.planes[1][at], r.planes[2][at])
			at += dx
		}
	}
}

// subsampling returns how many pixels across and down share a chroma sample.
func subsampling(s image.YCbCrSubsampleRatio) (x, y int) {
	switch s {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// studioToRGB converts the limited range of WebP (BT.601: Y 16…235, Cb and Cr
// 16…240), which Go's decoder hands out unconverted.
func studioToRGB(y, cb, cr byte) (r, g, b byte) {
	yy := 76309*(int32(y)-16) + 1<<15
	u, v := int32(cb)-128, int32(cr)-128
	return clamp((yy + 104597*v) >> 16), clamp((yy - 25675*u - 53279*v) >> 16), clamp((yy + 132201*u) >> 16)
}

// rgb resamples a picture whose pixels are, or have to be made, RGB.
func (r *Rescaler) rgb(dst []byte, img image.Image, o int) {
	b := img.Bounds()
	x, y, side := square(b.Dx(), b.Dy())
	channels := interleaved(img)
	if channels == nil {
		// Convert no more than the window and what the kernels reach around it.
		margin := int(kernelSupport*max(1, float64(side)/float64(r.size))) + 1
		window := image.Rect(x-margin, y-margin, x+side+margin, y+side+margin).Add(b.Min).Intersect(b)
		r.window = grow(r.window, window.Dx()*window.Dy()*3)
		flatten(r.window, img, window)
		channels = channelPlanes(r.window, 3*window.Dx(), 3, 1, window.Dx(), window.Dy())
		x -= window.Min.X - b.Min.X
		y -= window.Min.Y - b.Min.Y
	}
	for i, c := range channels {
		r.resampler.resample(r.planes[i], r.size, c, float64(x), float64(y), float64(side), float64(side))
	}
	red, green, blue := r.planes[0], r.planes[1], r.planes[2]
	if len(channels) == 1 {
		green, blue = red, red
	}
	at0, dy, dx := upright(o, r.size)
	for y := range r.size {
		row := dst[y*r.size*3:][:r.size*3]
		at := at0 + y*dy
		for i := 0; i < len(row); i += 3 {
			row[i], row[i+1], row[i+2] = red[at], green[at], blue[at]
			at += dx
		}
	}
}

// interleaved returns the channels of a picture that are 8-bit samples in memory
// as they are: one of a grey picture, three of a colour one. Of 16-bit samples
// it returns the high bytes. It returns nil for every other picture.
func interleaved(img image.Image) []plane {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	switch m := img.(type) {
	case *image.Gray:
		return []plane{{m.Pix, m.Stride, 1, w, h}}
	case *image.Gray16:
		return []plane{{m.Pix, m.Stride, 2, w, h}}
	case *image.NRGBA:
		return channelPlanes(m.Pix, m.Stride, 4, 1, w, h)
	case *image.NRGBA64:
		return channelPlanes(m.Pix, m.Stride, 8, 2, w, h)
	case *image.RGBA:
		if m.Opaque() {
			return channelPlanes(m.Pix, m.Stride, 4, 1, w, h)
		}
	case *image.RGBA64:
		if m.Opaque() {
			return channelPlanes(m.Pix, m.Stride, 8, 2, w, h)
		}
	}
	return nil
}

// channelPlanes returns the planes of three channels whose samples lie apart
// bytes from one another, and step bytes from pixel to pixel.
func channelPlanes(pix []byte, stride, step, apart, w, h int) []plane {
	return []plane{
		{pix, stride, step, w, h},
		{pix[apart:], stride, step, w, h},
		{pix[2*apart:], stride, step, w, h},
	}
}

// flatten overwrites dst (interleaved RGB) with the pixels of a window of img,
// without their alpha.
func flatten(dst []byte, img image.Image, window image.Rectangle) {
	var palette []color.NRGBA
	indexed, isIndexed := img.(*image.Paletted)
	if isIndexed {
		// 256 entries, since a damaged file may index beyond its palette.
		palette = make([]color.NRGBA, 256)
		for i, c := range indexed.Palette {
			palette[i] = color.NRGBAModel.Convert(c).(color.NRGBA)
		}
	}
	cmyk, isCMYK := img.(*image.CMYK)
	for y := window.Min.Y; y < window.Max.Y; y++ {
		for x := window.Min.X; x < window.Max.X; x++ {
			var c color.NRGBA
			switch {
			case isIndexed:
				c = palette[indexed.ColorIndexAt(x, y)]
			case isCMYK:
				k := cmyk.CMYKAt(x, y)
				c.R, c.G, c.B = color.CMYKToRGB(k.C, k.M, k.Y, k.K)
			default:
				c = color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			}
			dst[0], dst[1], dst[2] = c.R, c.G, c.B
			dst = dst[3:]
		}
	}
}
