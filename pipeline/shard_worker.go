package pipeline

import (
	"context"
	"fmt"
	"io"
	"slices"

	"alexnet/augment"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/decode"
	"alexnet/pipeline/source"
)

// shardWorker is the state of a goroutine that encodes pictures.
type shardWorker struct {
	src     source.Source
	decoder *decode.Decoder
	encoder codec.Encoder
	file    []byte
	rgb     []byte
}

func newShardWorker(src source.Source, cfg *ShardConfig) *shardWorker {
	return &shardWorker{
		src:     src,
		decoder: decode.New(cfg.decoding()),
		encoder: cfg.mustCodec().NewEncoder(cfg.Size),
		rgb:     make([]byte, cfg.Size*cfg.Size*3),
	}
}

// totals sum up pictures that were encoded.
type totals struct {
	sums     augment.Sums // of their pixels
	enlarged int          // pictures that were smaller than those of the shards
}

// merge adds those of other pictures.
func (t *totals) merge(o totals) {
	t.sums.Merge(o.sums)
	t.enlarged += o.enlarged
}

// encode appends the encoded picture to dst and returns its totals. An error is
// about the picture.
func (w *shardWorker) encode(ctx context.Context, dst []byte, item source.Item) (_ []byte, t totals, err error) {
	if err := w.read(item); err != nil {
		return dst, t, err
	}
	if err := w.decoder.Decode(ctx, w.rgb, w.file); err != nil {
		return dst, t, err
	}
	if dst, err = w.encoder.Encode(dst, w.rgb); err == nil {
		t.sums.Add(w.rgb)
		if w.decoder.Enlarged() {
			t.enlarged = 1
		}
	}
	return dst, t, err
}

// read reads a whole picture file to w.file.
func (w *shardWorker) read(item source.Item) (err error) {
	r, err := w.src.Open(item)
	if err != nil {
		return fmt.Errorf("can't be opened: %w", err)
	}
	defer r.Close()
	w.file = w.file[:0]
	for {
		if len(w.file) == cap(w.file) {
			w.file = slices.Grow(w.file, 256<<10)
		}
		n, err := r.Read(w.file[len(w.file):cap(w.file)])
		if w.file = w.file[:len(w.file)+n]; len(w.file) > decode.MaxFile {
			w.file = nil
			return fmt.Errorf("has more than the %d MiB that a picture file may have: store it compressed", decode.MaxFile>>20)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("can't be read: %w", err)
		}
	}
}
