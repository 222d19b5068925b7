package infer

import (
	"context"
	"encoding/json"
	"math"
	"sync"
	"time"

	"alexnet/internal/file"
	"alexnet/internal/redact"
	"alexnet/internal/setting"
	"alexnet/pipeline"
	"alexnet/pipeline/decode"
)

// BadPicture is a picture that could not be used.
type BadPicture struct {
	File string
	Err  error
}

// MarshalJSON writes the file and the error's text, without secrets of an address.
func (b BadPicture) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		File  string `json:"file"`
		Error string `json:"error"`
	}{redact.URL(b.File), redact.Text(b.Err.Error())})
}

// Reader decodes picture files to squares, several at the same time.
type Reader struct {
	size    int
	config  decode.Config
	free    chan *decode.Decoder
	squares [][]byte // memory for one group

	// Slow, if not nil, is called for files that take long, by one goroutine at a
	// time.
	Slow func(name string, took time.Duration)
}

// slowAfter is the time after which a file is reported as slow, repeatedly.
const slowAfter = pipeline.DefaultSlowAfter

// defaultMegapixels is the size of the largest picture that is read by default.
const defaultMegapixels = 200

// NewReader makes a reader of squares of size pixels a side, n at a time. Pictures of
// more than maxMegapixels million pixels are refused before they are decoded; 0 means
// 200.
func NewReader(size int, maxMegapixels float64, n int) (*Reader, error) {
	if maxMegapixels == 0 {
		maxMegapixels = defaultMegapixels
	}
	if !(maxMegapixels > 0) {
		return nil, setting.Invalidf("%s: want a number above 0", setting.Value("max-megapixels", maxMegapixels))
	}
	cfg := decode.Config{Size: size, MaxPixels: int(math.Min(maxMegapixels*1e6, math.MaxInt32))}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	r := &Reader{size: size, config: cfg, free: make(chan *decode.Decoder, n)}
	for range n {
		r.free <- decode.New(cfg)
	}
	return r, nil
}

// Size returns the side of the squares in pixels.
func (r *Reader) Size() int { return r.size }

// TooLarge reports whether a picture has too many pixels to be read.
func (r *Reader) TooLarge(d decode.Description) bool {
	return d.Height > 0 && d.Width > r.config.MaxPixels/d.Height
}

// Square decodes one picture file to (size, size, 3) bytes of RGB in dst. After ctx
// has ended it soon returns ctx's error. large says that the picture takes much
// memory, which is then freed afterwards.
func (r *Reader) Square(ctx context.Context, dst, file []byte, large bool) error {
	var s *decode.Decoder
	select {
	case s = <-r.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() {
		if large {
			s = decode.New(r.config)
		}
		r.free <- s
	}()
	return s.Decode(ctx, dst, file)
}

// Group is a number of files that have been read together.
type Group struct {
	Squares [][]byte     // of the good ones, valid until use returns
	Names   []string     // theirs
	Bad     []BadPicture // the others
	Last    int          // how many files have been read, this group's included
}

// Groups reads files, n at a time, and calls use with each group in turn. It stops at
// the first error of use, or with ctx's error.
func (r *Reader) Groups(ctx context.Context, files []string, n int, use func(Group) error) error {
	for at := 0; at < len(files); at += n {
		g := r.group(ctx, files[at:min(at+n, len(files))])
		if err := ctx.Err(); err != nil {
			return err
		}
		g.Last = at + len(g.Names) + len(g.Bad)
		if err := use(g); err != nil {
			return err
		}
	}
	return nil
}

// group reads the files. It returns soon after ctx has ended; the caller checks ctx.
func (r *Reader) group(ctx context.Context, files []string) (g Group) {
	for len(r.squares) < len(files) {
		r.squares = append(r.squares, make([]byte, r.size*r.size*3))
	}
	errs := make([]error, len(files))
	var one sync.Mutex
	told := func(name string, took time.Duration) {
		one.Lock()
		defer one.Unlock()
		if r.Slow != nil {
			r.Slow(name, took)
		}
	}
	var wg sync.WaitGroup
	limit := make(chan struct{}, cap(r.free)) // open files and their bytes
	for i, name := range files {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			defer watchSlow(name, slowAfter, told)()
			picture, err := file.ReadAll(name, decode.MaxFile)
			if err == nil {
				err = r.Square(ctx, r.squares[i], picture, false)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	for i, name := range files {
		if errs[i] != nil {
			g.Bad = append(g.Bad, BadPicture{File: name, Err: errs[i]})
			continue
		}
		g.Squares, g.Names = append(g.Squares, r.squares[i]), append(g.Names, name)
	}
	return g
}

// watchSlow reports a slow file repeatedly, until the returned function has been called
// and has returned.
func watchSlow(name string, every time.Duration, tell func(name string, took time.Duration)) (stop func()) {
	began, done, stopped := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				tell(name, time.Since(began))
			}
		}
	}()
	return func() { close(done); <-stopped }
}
