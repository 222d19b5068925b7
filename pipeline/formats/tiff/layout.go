package tiff

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// Tags of a picture's layout.
const (
	tagWidth           Tag = 256
	tagHeight          Tag = 257
	tagBits            Tag = 258
	tagCompression     Tag = 259
	tagPhotometric     Tag = 262
	tagFillOrder       Tag = 266
	tagStripOffsets    Tag = 273
	tagSamples         Tag = 277
	tagRowsPerStrip    Tag = 278
	tagStripBytes      Tag = 279
	tagPlanar          Tag = 284
	tagT4Options       Tag = 292
	tagT6Options       Tag = 293
	tagPredictor       Tag = 317
	tagColorMap        Tag = 320
	tagTileWidth       Tag = 322
	tagTileHeight      Tag = 323
	tagTileOffsets     Tag = 324
	tagTileBytes       Tag = 325
	tagInkSet          Tag = 332
	tagExtraSamples    Tag = 338
	tagSampleFormat    Tag = 339
	tagJPEGTables      Tag = 347
	tagOldJPEG         Tag = 513
	tagOldJPEGBytes    Tag = 514
	tagOldRestart      Tag = 515
	tagOldQuantizers   Tag = 519
	tagOldDCTables     Tag = 520
	tagOldACTables     Tag = 521
	tagYCbCrFactors    Tag = 529
	tagYCbCrSubsampled Tag = 530
	tagBlackWhite      Tag = 532
)

// Values of tagPhotometric.
const (
	whiteIsZero = 0
	blackIsZero = 1
	rgb         = 2
	palette     = 3
	cmyk        = 5
	ycbcr       = 6
	cieLab      = 8
	iccLab      = 9
)

// Values of tagSampleFormat.
const (
	unsigned = 1
	signed   = 2
	float    = 3
)

// UnsupportedError reports a feature of a whole file that isn't read.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return "tiff: unsupported: " + e.What }

// Unsupported returns e.What.
func (e *UnsupportedError) Unsupported() string { return e.What }

func unsupported(format string, args ...any) error {
	return &UnsupportedError{fmt.Sprintf(format, args...)}
}

// layout describes how the first picture of a file is stored.
type layout struct {
	*Directory
	width, height          int
	chunkWidth, chunkRows  int // of a tile; of a strip, the picture's width
	stripRows              int // of a strip of old-style JPEG; all strips make one chunk
	tiled                  bool
	offsets, sizes         []int64 // of chunks; all of a plane's come before the next plane's
	bits, samples, colours int     // bits of a sample, samples of a pixel, and the colours among these
	planes                 int     // the number of samples if each has chunks of its own, else 1
	used                   int     // samples that are read: all, or in planes only those with a meaning
	photometric            int
	format                 int // of samples
	compression            int
	predictor              int
	reversed               bool // the bits of stored bytes
	alpha                  int  // the sample by which colours are multiplied, or 0
	down, across           int  // pixels that share a chroma sample
}

var photometrics = map[int]string{
	4: "a transparency mask", 10: "ITU L*a*b* colours",
	32803: "a camera's raw picture", 34892: "a camera's raw picture", 32844: "LogL luminance", 32845: "LogLuv colours",
}

var compressions = map[int]string{
	9: "JBIG", 10: "JBIG in colour", 32766: "NeXT", 32809: "ThunderScan", 32895: "IT8",
	32896: "IT8", 32897: "IT8", 32898: "IT8", 33003: "JPEG 2000", 33004: "JPEG 2000", 33005: "JPEG 2000", 34661: "JBIG",
	34676: "SGI's LogLuv", 34677: "SGI's LogLuv", 34712: "JPEG 2000", 34887: "LERC", 34892: "lossy JPEG of DNG",
	34925: "LZMA", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}

// maxRow bounds the memory of a row of a chunk, in bytes.
const maxRow = 1 << 28

// maxSamples bounds the samples of a pixel.
const maxSamples = 64

// damagedError describes what is wrong in a damaged file.
type damagedError string

func (e damagedError) Error() string { return "tiff: " + string(e) }

func damaged(format string, args ...any) error {
	return damagedError(fmt.Sprintf(format, args...))
}

// layoutOf reads and checks the layout of the first picture, except its chunks.
func layoutOf(data []byte) (*layout, error) {
	l, err := readLayout(data)
	var damage damagedError
	if errors.As(err, &damage) && l.cut {
		return nil, io.ErrUnexpectedEOF
	}
	return l, err
}

func readLayout(data []byte) (*layout, error) {
	d, err := ReadDirectory(data)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", err, io.ErrUnexpectedEOF)
	}
	l := &layout{
		Directory:   d,
		width:       d.Int(tagWidth, 0),
		height:      d.Int(tagHeight, 0),
		samples:     d.Int(tagSamples, 1),
		compression: d.Int(tagCompression, 1),
		predictor:   d.Int(tagPredictor, 1),
		reversed:    d.Int(tagFillOrder, 1) == 2,
		format:      unsigned,
		planes:      1,
		down:        1,
		across:      1,
	}
	if l.width < 1 || l.height < 1 || l.width > math.MaxInt32 || l.height > math.MaxInt32 {
		return l, damaged("a picture of %d×%d pixels", l.width, l.height)
	}
	if err := l.readSamples(); err != nil {
		return l, err
	}
	return l, l.readColours()
}

// readSamples reads the form of samples, which must be the same for all samples of a
// pixel.
func (l *layout) readSamples() error {
	bits := l.Ints(tagBits)
	if len(bits) == 0 {
		bits = []int64{1}
	}
	if !l.Has(tagSamples) {
		l.samples = len(bits)
		if l.compression == 6 {
			l.samples = 3
		}
	}
	if l.samples < 1 || l.samples > maxSamples {
		return unsupported("%d samples a pixel", l.samples)
	}
	for _, b := range bits[:min(len(bits), l.samples)] {
		if b != bits[0] {
			return unsupported("samples of %d and of %d bits in one picture", bits[0], b)
		}
	}
	l.bits = int(bits[0])
	for i, f := range l.Ints(tagSampleFormat) {
		if i == 0 {
			l.format = int(f)
		} else if i < l.samples && int(f) != l.format {
			return unsupported("samples of different formats in one picture")
		}
	}
	if l.format == 4 { // undefined
		l.format = unsigned
	}
	switch {
	case l.format < unsigned || l.format > float:
		return unsupported("complex numbers as samples")
	case l.format == float && l.bits != 16 && l.bits != 24 && l.bits != 32 && l.bits != 64,
		l.format != float && (l.bits < 1 || l.bits > 32 && l.bits != 64):
		return unsupported("samples of %d bits", l.bits)
	}
	if l.Int(tagPlanar, 1) == 2 {
		l.planes = l.samples
	}
	return nil
}

// readColours reads the meaning of samples.
func (l *layout) readColours() error {
	otherwise := whiteIsZero
	if l.samples >= 3 {
		otherwise = rgb
	}
	l.photometric = l.Int(tagPhotometric, otherwise)
	if l.compression == 6 && l.samples == 3 { // whatever the fields say
		l.photometric = ycbcr
	}
	l.colours = 1
	switch l.photometric {
	case whiteIsZero, blackIsZero:
	case palette:
		if l.bits > 8 || l.format == float {
			return unsupported("a palette for samples of %d bits", l.bits)
		}
		if len(l.Ints(tagColorMap)) < 3<<l.bits {
			return damaged("a palette of %d values, want %d", len(l.Ints(tagColorMap)), 3<<l.bits)
		}
	case rgb:
		l.colours = 3
	case cmyk:
		l.colours = 4
		if l.Int(tagInkSet, 1) != 1 {
			return unsupported("inks other than cyan, magenta, yellow and black")
		}
	case ycbcr:
		if l.samples == 1 { // some writers use this for grey
			l.photometric = blackIsZero
			break
		}
		l.colours = 3
		if l.bits != 8 || l.format == float {
			return unsupported("YCbCr of %d bits", l.bits)
		}
		// If the field is missing, libtiff takes 2, 2. JPEG data have their own factors.
		l.across, l.down = 2, 2
		if s := l.Ints(tagYCbCrSubsampled); len(s) >= 2 {
			l.across, l.down = int(s[0]), int(s[1])
		}
		if (l.compression == 6 || l.compression == 7) && l.planes == 1 {
			l.across, l.down = 1, 1
		}
		for _, n := range []int{l.across, l.down} {
			if n != 1 && n != 2 && n != 4 {
				return damaged("chroma of %d×%d pixels", l.across, l.down)
			}
		}
		if l.across*l.down > 1 && (l.planes > 1 || l.samples > 3) {
			return unsupported("subsampled chroma in planes of its own")
		}
	case cieLab, iccLab:
		l.colours = 3
		if l.bits != 8 && l.bits != 16 || l.format == float {
			return unsupported("L*a*b* of %d bits", l.bits)
		}
		l.format = unsigned // the sign of a* and b* is part of the colour space
		if l.samples == 1 {
			l.photometric, l.colours = blackIsZero, 1
		}
	default:
		if name := photometrics[l.photometric]; name != "" {
			return unsupported("%s", name)
		}
		return unsupported("photometric interpretation %d", l.photometric)
	}
	if l.samples < l.colours {
		return damaged("%d samples a pixel, want %d", l.samples, l.colours)
	}
	extra := l.Ints(tagExtraSamples)
	if l.samples > l.colours && len(extra) > 0 && extra[0] == 1 && l.photometric <= rgb {
		l.alpha = l.colours
	}
	l.used = l.samples
	if l.planes > 1 {
		l.used = max(l.colours, l.alpha+1)
	}
	return l.checkCompression()
}

func (l *layout) checkCompression() error {
	switch l.compression {
	case 2, 3, 4, 32771:
		if l.bits != 1 || l.samples != 1 {
			return damaged("fax data of %d samples of %d bits", l.samples, l.bits)
		}
	case 6, 7:
		if l.bits != 8 || l.format == float {
			return unsupported("JPEG of %d bits in TIFF", l.bits)
		}
	case 1, 5, 8, 32946, 32773, 50000:
	default:
		if name := compressions[l.compression]; name != "" {
			return unsupported("the compression %s", name)
		}
		return unsupported("compression %d", l.compression)
	}
	switch l.compression {
	case 5, 8, 32946, 50000:
	default:
		l.predictor = 1 // only these have a predictor
	}
	switch l.predictor {
	case 1:
	case 2:
		if l.format == float && l.bits == 24 || l.bits != 8 && l.bits != 16 && l.bits != 32 && l.bits != 64 {
			return unsupported("differences of samples of %d bits", l.bits)
		}
	case 3:
		if l.format != float {
			return damaged("the predictor of floating-point numbers for integers")
		}
	default:
		return unsupported("predictor %d", l.predictor)
	}
	return nil
}

// readChunks finds the strips or tiles.
func (l *layout) readChunks() error {
	offsets, sizes := tagStripOffsets, tagStripBytes
	if l.tiled = l.Has(tagTileOffsets) || l.Has(tagTileWidth); l.tiled {
		offsets, sizes = tagTileOffsets, tagTileBytes
		if !l.Has(tagTileOffsets) { // some writers use these tags for strips
			offsets, sizes = tagStripOffsets, tagStripBytes
		}
		l.chunkWidth, l.chunkRows = l.Int(tagTileWidth, 0), l.Int(tagTileHeight, 0)
		if l.chunkWidth < 1 || l.chunkRows < 1 || l.chunkRows > math.MaxInt32 || l.chunkWidth > max(2*l.width, 1<<16) {
			return damaged("tiles of %d×%d pixels", l.chunkWidth, l.chunkRows)
		}
	} else {
		l.chunkWidth, l.chunkRows = l.width, l.Int(tagRowsPerStrip, l.height)
		if l.chunkRows < 1 || l.chunkRows > l.height {
			l.chunkRows = l.height
		}
		l.stripRows = l.chunkRows
		if l.compression == 6 { // one JPEG file holds all strips
			l.chunkRows = l.height
		}
	}
	if n := l.rowBytes(); n > maxRow {
		return unsupported("rows of %d bytes", n)
	}
	l.offsets, l.sizes = l.Ints(offsets), l.Ints(sizes)
	if across, down := l.grid(); across*down > len(l.offsets)/min(l.planes, l.used) {
		if !l.Has(offsets) { // the field lies beyond the end of the file
			return io.ErrUnexpectedEOF
		}
		return damaged("%d strips or tiles, want %d by %d in %d planes", len(l.offsets), across, down, l.planes)
	}
	return nil
}

// grid returns how many chunks a plane has along and down the picture.
func (l *layout) grid() (across, down int) {
	return (l.width + l.chunkWidth - 1) / l.chunkWidth, (l.height + l.chunkRows - 1) / l.chunkRows
}

// rowBytes is the size of a stored row of a chunk: all samples, or one plane. With
// subsampled chroma it is the size of the rows that share chroma.
func (l *layout) rowBytes() int {
	if l.across*l.down > 1 {
		return (l.chunkWidth + l.across - 1) / l.across * (l.across*l.down + 2)
	}
	return (l.chunkWidth*l.samples/l.planes*l.bits + 7) / 8
}

// chunk returns the stored bytes of a chunk. If the file doesn't give their number, all
// later bytes may belong to it.
func (l *layout) chunk(i int) ([]byte, error) {
	at, n := l.offsets[i], int64(len(l.data))
	if at < 0 || at >= n {
		return nil, io.ErrUnexpectedEOF
	}
	size := n - at
	if i < len(l.sizes) && l.sizes[i] > 0 {
		size = min(size, l.sizes[i])
	}
	return l.data[at : at+size], nil
}
