package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/klauspost/compress/huff0"

	"alexnet/augment"
)

// Lossless stores pictures in about half the bytes of their pixels and gives
// the same pixels back. Green is subtracted from red and blue; of each of the
// three planes, every row is predicted from its neighbours, and what remains is
// Huffman-coded. docs/shard-format.md has the bytes.
type Lossless struct{}

// Name is "lossless".
func (Lossless) Name() string { return "lossless" }

// Encoding is "bytes": MosaicML's reader doesn't know this codec.
func (Lossless) Encoding(int) string { return "bytes" }

// Recognise takes bytes with the version and the length of such a picture's head.
func (Lossless) Recognise(encoding string, picture []byte) (size int, err error) {
	if encoding != "bytes" || len(picture) < losslessPlaneAt || picture[0] != losslessVersion {
		return 0, nil
	}
	return int(binary.LittleEndian.Uint16(picture[losslessSizeAt:])), nil
}

// Loses is false.
func (Lossless) Loses() bool { return false }

// Options has none.
func (Lossless) Options() Options { return Options{} }

// NewEncoder panics if size is more than the format's 65,535 pixels a side.
func (Lossless) NewEncoder(size int) Encoder {
	checkLosslessSize(size)
	return &losslessEncoder{planes: newPlanes(size), residuals: make([]byte, size*size)}
}

// NewDecoder panics if size is more than the format's 65,535 pixels a side.
func (Lossless) NewDecoder(size int) Decoder {
	checkLosslessSize(size)
	return &losslessDecoder{planes: newPlanes(size), line: make([]byte, 3*size)}
}

func checkLosslessSize(size int) {
	if size < 1 || size > math.MaxUint16 {
		panic(fmt.Sprintf("codec: lossless pictures have 1 to %d pixels a side, not %d", math.MaxUint16, size))
	}
}

// A lossless picture begins with its version, its size and a CRC.
const (
	losslessVersion = 1

	losslessSizeAt  = 1 // u16, pixels a side
	losslessCRCAt   = 3 // u32, CRC-32 (IEEE) of all later bytes
	losslessPlaneAt = 7
)

// Each plane has the predictors of its rows, then blocks of residuals.
const (
	blockSize = 1 << 16 // residuals in a block; the last may have fewer

	blockStored   = 0 // the residuals themselves
	blockConstant = 1 // one byte, the value of all residuals
	blockHuffman  = 2 // u16 length, then as many bytes of huff0, four streams
)

// predictorBytes returns the number of bytes for the predictors of rows: four rows a
// byte, the first in its lowest bits.
func predictorBytes(rows int) int { return (rows + 3) / 4 }

// planes are a picture's colour planes: G, R−G, B−G modulo 256.
type planes struct {
	size  int
	plane [3][]byte
	zero  []byte // the row above the first
}

func newPlanes(size int) planes {
	p := planes{size: size, zero: make([]byte, size)}
	for i := range p.plane {
		p.plane[i] = make([]byte, size*size)
	}
	return p
}

// row is row y of plane i, and the one above it.
func (p *planes) row(i, y int) (row, above []byte) {
	row = p.plane[i][y*p.size:][:p.size]
	if y == 0 {
		return row, p.zero
	}
	return row, p.plane[i][(y-1)*p.size:][:p.size]
}

type losslessEncoder struct {
	planes
	residuals []byte
	predict   rowPredictor
	huffman   huffman
}

func (e *losslessEncoder) Encode(dst, rgb []byte) ([]byte, error) {
	checkPixels(rgb, e.size)
	split(e.plane[0], e.plane[1], e.plane[2], rgb)

	start := len(dst)
	dst = append(dst, losslessVersion)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(e.size))
	dst = append(dst, 0, 0, 0, 0) // the CRC's place
	var err error
	for i := range e.plane {
		if dst, err = e.appendPlane(dst, i); err != nil {
			return dst[:start], fmt.Errorf("encode lossless: %w", err)
		}
	}
	encoded := dst[start:]
	binary.LittleEndian.PutUint32(encoded[losslessCRCAt:], crc32.ChecksumIEEE(encoded[losslessPlaneAt:]))
	return dst, nil
}

func (e *losslessEncoder) appendPlane(dst []byte, i int) ([]byte, error) {
	predictors := len(dst)
	dst = append(dst, make([]byte, predictorBytes(e.size))...)
	for y := range e.size {
		row, above := e.row(i, y)
		p := e.predict.row(e.residuals[y*e.size:][:e.size], row, above)
		dst[predictors+y/4] |= byte(p) << (y % 4 * 2)
	}
	var err error
	for rest := e.residuals; len(rest) > 0 && err == nil; {
		n := min(len(rest), blockSize)
		dst, err = e.appendBlock(dst, rest[:n])
		rest = rest[n:]
	}
	return dst, err
}

func (e *losslessEncoder) appendBlock(dst, block []byte) ([]byte, error) {
	if len(block) > 1 && e.huffman.constant(block) {
		return append(dst, blockConstant, block[0]), nil
	}
	start := len(dst)
	dst = append(dst, blockHuffman, 0, 0)
	dst, err := e.huffman.append(dst, block)
	n := len(dst) - start - 3
	switch {
	case errors.Is(err, errIncompressible) || err == nil && n+2 >= len(block):
		return append(append(dst[:start], blockStored), block...), nil
	case err != nil:
		return dst[:start], err
	}
	binary.LittleEndian.PutUint16(dst[start+1:], uint16(n))
	return dst, nil
}

type losslessDecoder struct {
	planes
	huffman    huff0.Scratch
	predictors [3][]byte // of the picture being decoded, views of it
	line       []byte    // a row of a crop before it is mirrored
}

func (d *losslessDecoder) Decode(rgb, src []byte) error {
	checkPixels(rgb, d.size)
	return d.DecodeCrop(rgb, src, augment.View{}, d.size)
}

// DecodeCrop does without the rows below the crop and the columns to its right,
// once their residuals are read.
func (d *losslessDecoder) DecodeCrop(dst, src []byte, view augment.View, crop int) error {
	checkCrop(dst, d.size, view, crop)
	err := d.residuals(src)
	if err == nil {
		err = d.unpredict(dst, view, crop)
	}
	if err != nil {
		return fmt.Errorf("decode lossless: %w", err)
	}
	return nil
}

// Residuals reads a picture's residuals and makes no pixels of them: the part of
// decoding that is Huffman's, for measurements.
func (d *losslessDecoder) Residuals(src []byte) error { return d.residuals(src) }

// residuals checks a picture and reads its predictors, and its residuals into
// the planes.
func (d *losslessDecoder) residuals(src []byte) error {
	if len(src) < losslessPlaneAt {
		return fmt.Errorf("%d bytes are too short for a picture", len(src))
	}
	if version := src[0]; version != losslessVersion {
		return fmt.Errorf("version %d, want %d: read it with a newer release, or make the shards again", version, losslessVersion)
	}
	if size := int(binary.LittleEndian.Uint16(src[losslessSizeAt:])); size != d.size {
		return fmt.Errorf("the picture is %d×%d, want %d×%d", size, size, d.size, d.size)
	}
	crc, rest := binary.LittleEndian.Uint32(src[losslessCRCAt:]), src[losslessPlaneAt:]
	if crc32.ChecksumIEEE(rest) != crc {
		return errors.New("damaged: the CRC differs")
	}
	for i, plane := range d.plane {
		n := predictorBytes(d.size)
		if len(rest) < n {
			return errTruncated
		}
		d.predictors[i], rest = rest[:n], rest[n:]
		for len(plane) > 0 {
			n := min(len(plane), blockSize)
			var err error
			if rest, err = d.block(plane[:n:n], rest); err != nil {
				return fmt.Errorf("plane %d: %w", i, err)
			}
			plane = plane[n:]
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes left over", len(rest))
	}
	return nil
}

var errTruncated = errors.New("damaged: it ends too early")

// block fills dst with residuals and returns what follows them in src.
func (d *losslessDecoder) block(dst, src []byte) (rest []byte, err error) {
	if len(src) < 3 { // the shortest block, except one with a single stored residual
		if len(src) == 2 && (src[0] == blockConstant || src[0] == blockStored && len(dst) == 1) {
			fill(dst, src[1])
			return nil, nil
		}
		return nil, errTruncated
	}
	kind, src := src[0], src[1:]
	switch kind {
	case blockStored:
		if len(src) < len(dst) {
			return nil, errTruncated
		}
		copy(dst, src)
		return src[len(dst):], nil
	case blockConstant:
		fill(dst, src[0])
		return src[1:], nil
	case blockHuffman:
		n := int(binary.LittleEndian.Uint16(src))
		if src = src[2:]; len(src) < n {
			return nil, errTruncated
		}
		table, coded, err := huff0.ReadTable(src[:n], &d.huffman)
		if err != nil {
			return nil, err
		}
		_, err = table.Decoder().Decompress4X(dst[:0], coded)
		return src[n:], err
	}
	return nil, fmt.Errorf("damaged: block of unknown kind %d", kind)
}

func fill(dst []byte, v byte) {
	for i := range dst {
		dst[i] = v
	}
}

// unpredict turns residuals into planes in place, and the planes into the crop's pixels,
// row by row.
func (d *losslessDecoder) unpredict(dst []byte, view augment.View, crop int) error {
	// Columns to the right are left out in groups that suit the kernels.
	columns := min(d.size, (view.X+crop+15)&^15)
	for y := range view.Y + crop {
		for i := range d.plane {
			row, above := d.row(i, y)
			row, above = row[:columns], above[:columns]
			switch p := d.predictors[i][y/4] >> (y % 4 * 2) & 3; p {
			case predictLeft:
				prefixSum(row, d.zero, above[0])
			case predictUp:
				addBytes(row, above)
			case predictGradient:
				prefixSum(row, above, 0)
			default:
				return fmt.Errorf("damaged: plane %d row %d has unknown predictor %d", i, y, p)
			}
		}
		if y < view.Y {
			continue
		}
		to := dst[(y-view.Y)*crop*3:][:crop*3]
		line := to
		if view.Flip {
			line = d.line[:crop*3]
		}
		at := y*d.size + view.X
		merge(line, d.plane[0][at:][:crop], d.plane[1][at:][:crop], d.plane[2][at:][:crop])
		if view.Flip {
			augment.MirrorRow(to, line)
		}
	}
	return nil
}
