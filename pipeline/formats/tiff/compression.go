package tiff

import (
	"bytes"
	"compress/lzw"
	"compress/zlib"
	"context"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
	tifflzw "golang.org/x/image/tiff/lzw"
)

// A JPEGDecoder decodes a JPEG file to interleaved RGB without gaps. It refuses files
// of more than most pixels.
type JPEGDecoder func(ctx context.Context, file []byte, most int) (pix []byte, width, height int, err error)

// unpacker opens stored chunks, one after another, and keeps decoders that are expensive
// to make.
type unpacker struct {
	*layout
	ctx  context.Context
	jpeg JPEGDecoder
	zlib io.ReadCloser
	zstd *zstd.Decoder
}

// open returns a reader of the rows of a stored chunk.
func (u *unpacker) open(stored []byte) (io.Reader, error) {
	switch u.compression {
	case 6:
		return u.openOldJPEG(stored)
	case 7:
		return u.openJPEG(stored)
	}
	if u.reversed {
		turned := make([]byte, len(stored))
		for i, b := range stored {
			turned[i] = bits.Reverse8(b)
		}
		stored = turned
	}
	r := bytes.NewReader(stored)
	switch u.compression {
	case 2:
		return newFaxReader(stored, u.chunkWidth, faxKind{align: 8}), nil
	case 32771:
		return newFaxReader(stored, u.chunkWidth, faxKind{align: 16}), nil
	case 3:
		options := u.Int(tagT4Options, 0)
		if options&2 != 0 {
			return nil, errExtension
		}
		return newFaxReader(stored, u.chunkWidth, faxKind{marked: true, tagged: options&1 != 0}), nil
	case 4:
		if u.Int(tagT6Options, 0)&2 != 0 {
			return nil, errExtension
		}
		return newFaxReader(stored, u.chunkWidth, faxKind{twoRows: true}), nil
	case 5:
		if len(stored) >= 2 && stored[0] == 0 && stored[1]&1 == 1 { // before TIFF 6.0
			return lzw.NewReader(r, lzw.LSB, 8), nil
		}
		return tifflzw.NewReader(r, tifflzw.MSB, 8), nil
	case 8, 32946:
		if u.zlib != nil {
			return u.zlib, u.zlib.(zlib.Resetter).Reset(r, nil)
		}
		z, err := zlib.NewReader(r)
		if err == nil && u.planes == 1 { // otherwise several chunks are open at a time
			u.zlib = z
		}
		return z, err
	case 50000:
		if u.zstd != nil && u.planes == 1 {
			return u.zstd, u.zstd.Reset(r)
		}
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxRow))
		u.zstd = z
		return z, err
	case 32773:
		return &packBits{r: r}, nil
	}
	return r, nil
}

// packBits unpacks Macintosh's run lengths (TIFF 6.0, section 9).
type packBits struct {
	r       *bytes.Reader
	literal int  // bytes to copy
	repeat  int  // of value
	value   byte // the repeated value
}

func (p *packBits) Read(out []byte) (n int, err error) {
	for n < len(out) {
		switch {
		case p.literal > 0:
			m, err := p.r.Read(out[n:min(len(out), n+p.literal)])
			n += m
			p.literal -= m
			if err != nil {
				return n, err
			}
		case p.repeat > 0:
			m := min(p.repeat, len(out)-n)
			for i := range m {
				out[n+i] = p.value
			}
			n += m
			p.repeat -= m
		default:
			b, err := p.r.ReadByte()
			if err != nil {
				return n, err
			}
			switch k := int(int8(b)); {
			case k >= 0:
				p.literal = k + 1
			case k > -128:
				if p.value, err = p.r.ReadByte(); err != nil {
					return n, io.ErrUnexpectedEOF
				}
				p.repeat = 1 - k
			}
		}
	}
	return n, nil
}
