package jpeg

import (
	"context"
	"errors"
	"image"

	"alexnet/pipeline/jpeg/turbojpeg"
)

// Decoder decodes files, one at a time. It keeps its memory between them, so each
// goroutine has its own.
type Decoder struct {
	fast    fastDecoder
	turbo   *turbojpeg.Decoder // nil: not wanted or not installed
	general general
	copied  []byte // a copy of the file for C
	picture Picture
}

// NewDecoder returns a Decoder, with libjpeg-turbo if that is wanted and the
// machine has it.
func NewDecoder(turbo bool) *Decoder {
	d := new(Decoder)
	if turbo {
		if t, err := turbojpeg.NewDecoder(); err == nil {
			d.turbo = t
		}
	}
	return d
}

// Decode decodes the part of a picture that choose asks for when it has seen the
// header, and maybe a little around it. The picture is valid until the next call.
//
// An error of choose is returned as it is, and so is ctx's when that ends, or at
// most a second later. Choose should bound the header's ScanPixels. Choose is called a second time if the first decoder had to leave the
// file to others: only then is all of the header known. What is wrong with the file
// is an [*Error].
func (d *Decoder) Decode(ctx context.Context, file []byte, choose func(Header) (image.Rectangle, error)) (*Picture, error) {
	if width, height, err := d.fast.open(file); err == nil {
		part, err := choose(d.fast.summary(width, height))
		if err != nil {
			return nil, err
		}
		p, err := d.fast.decode(ctx, part)
		if !errors.Is(err, errOther) {
			return p, err
		}
	}
	h, err := ReadHeader(file)
	if err != nil {
		return nil, err
	}
	part, err := choose(h)
	if err != nil {
		return nil, err
	}
	unsupported, turbo := h.unsupported()
	if d.turbo != nil && turbo && h.scanned() && (h.ScanPixels <= mostTurbo || unsupported != "") {
		err := d.byTurbo(file, h)
		if err == nil {
			return &d.picture, nil
		}
		if w, ok := errors.AsType[*turbojpeg.WarningError](err); ok && unsupported != "" {
			return nil, &Error{Damaged, w.Text}
		}
	}
	if unsupported != "" {
		return nil, &Error{Unsupported, unsupported}
	}
	return d.general.decode(ctx, file, h, part)
}

// mostTurbo is the most pixels, over all scans, of a picture that libjpeg-turbo decodes:
// about a second, since it can't be interrupted. The general decoder can be, and gives
// the same pixels.
const mostTurbo = 256e6

// keptBytes is the most memory that a Decoder keeps for files and pictures of
// libjpeg-turbo.
const keptBytes = 64 << 20

// byTurbo decodes a picture with libjpeg-turbo. It refuses a picture with any warning,
// because the library warns of damage and of harmless things alike and reports only the
// first warning. The general decoder then judges the file.
func (d *Decoder) byTurbo(file []byte, h Header) error {
	// The library gets a copy, because the file may be mapped from a disk, and a page fault
	// in C ends the program (see mds.Shard.Guard).
	d.copied = append(d.copied[:0], file...)
	t, err := d.turbo.Header(d.copied)
	if err != nil {
		return err
	}
	if t.Width != h.Width || t.Height != h.Height {
		return errors.New("jpeg: another size")
	}
	p := &d.picture
	if cap(p.rgb) > keptBytes {
		p.rgb = nil
	}
	p.Bounds, p.stride = image.Rect(0, 0, t.Width, t.Height), 3*t.Width
	p.rgb = grow(p.rgb, p.stride*t.Height)
	err = d.turbo.Decode(p.rgb, d.copied, t)
	if cap(d.copied) > keptBytes {
		d.copied = nil
	}
	return err
}
