package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"alexnet/internal/file"
	"alexnet/internal/plaintext"
	"alexnet/pipeline"
	"alexnet/pipeline/rescale"
	"alexnet/pipeline/source"
	"alexnet/tools/internal/command"
)

// listPictures resolves arguments to files: a file is itself, a folder all
// pictures below it by the ends of their names, and "-" the paths on the lines of
// stdin. A file that is named itself is looked at whatever its name is. What is
// missing is left in, to be named with the other bad pictures.
func listPictures(args []string, stdin io.Reader) ([]string, error) {
	var files []string
	for _, arg := range args {
		if arg == "-" {
			list, err := pictureList(stdin)
			if err != nil {
				return nil, err
			}
			lines := bufio.NewScanner(list)
			for lines.Scan() {
				if line := strings.TrimRight(lines.Text(), "\r"); line != "" {
					files = append(files, line)
				}
			}
			if err := lines.Err(); err != nil {
				return nil, fmt.Errorf("the list on standard input: %w", err)
			}
			continue
		}
		info, err := os.Stat(arg)
		if err != nil || !info.IsDir() {
			files = append(files, arg)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && slices.Contains(source.PictureExtensions, strings.ToLower(filepath.Ext(path))) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(files) == before {
			return nil, fmt.Errorf("%s has no pictures (%s)", arg, strings.Join(source.PictureExtensions, " "))
		}
	}
	return files, nil
}

// pictureList is a list of names, unless its beginning is that of a picture or of
// other bytes that no list of lines has.
func pictureList(r io.Reader) (*bufio.Reader, error) {
	list := bufio.NewReader(r)
	start, err := list.Peek(512)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("the list on standard input: %w", err)
	}
	switch kind := http.DetectContentType(start); {
	case strings.HasPrefix(kind, "image/") || bytes.HasPrefix(start, []byte("II*\x00")) || bytes.HasPrefix(start, []byte("MM\x00*")):
		return nil, command.Usagef("standard input holds a picture: - reads a list of pictures' names, one a line; give the picture's file")
	case bytes.IndexByte(start, 0) >= 0:
		if list, err = plaintext.NewReader(list); err == nil && !bytes.HasPrefix(start, []byte("\xff\xfe")) && !bytes.HasPrefix(start, []byte("\xfe\xff")) {
			err = errors.New("it holds bytes that are zero, which no name has: give one name a line, without -print0")
		}
		if err != nil {
			return nil, command.Usagef("the list on standard input: %w", err)
		}
		return list, nil
	}
	return plaintext.NewReader(list)
}

// badPicture is a picture that could not be used.
type badPicture struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

// reader brings picture files to squares, several at the same time.
type reader struct {
	size    int
	config  rescale.Config
	free    chan *rescale.Rescaler
	squares [][]byte                              // memory for one group
	slow    func(name string, took time.Duration) // is told of files that take long, by one goroutine at a time; nil: nobody
}

// slowAfter is after how long a file takes long, and again after as much more.
const slowAfter = pipeline.DefaultSlowAfter

// newReader makes a reader of squares of size pixels, n at a time.
func newReader(size int, maxMegapixels float64, n int) (*reader, error) {
	if !(maxMegapixels > 0) {
		return nil, command.Usagef("--max-megapixels %v: want a number above 0", maxMegapixels)
	}
	cfg := rescale.Config{Size: size, MaxPixels: int(math.Min(maxMegapixels*1e6, math.MaxInt32))}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	r := &reader{size: size, config: cfg, free: make(chan *rescale.Rescaler, n)}
	for range n {
		r.free <- rescale.New(cfg)
	}
	return r, nil
}

// tooLarge says that a picture has more pixels than are read.
func (r *reader) tooLarge(d rescale.Description) bool {
	return d.Height > 0 && d.Width > r.config.MaxPixels/d.Height
}

// square brings one picture file to size×size×3 bytes of RGB. Where ctx ends, its
// error comes soon after. After a large picture the memory that it took isn't kept
// for the next.
func (r *reader) square(ctx context.Context, dst, file []byte, large bool) error {
	var s *rescale.Rescaler
	select {
	case s = <-r.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() {
		if large {
			s = rescale.New(r.config)
		}
		r.free <- s
	}()
	return s.Rescale(ctx, dst, file)
}

// group reads the files. It returns the squares of the good ones, valid until
// the next call, with their names, and the bad ones. Where ctx ends, it returns
// soon after, and the caller looks at ctx.
func (r *reader) group(ctx context.Context, files []string) (squares [][]byte, good []string, bad []badPicture) {
	for len(r.squares) < len(files) {
		r.squares = append(r.squares, make([]byte, r.size*r.size*3))
	}
	errs := make([]error, len(files))
	var one sync.Mutex
	told := func(name string, took time.Duration) {
		one.Lock()
		defer one.Unlock()
		if r.slow != nil {
			r.slow(name, took)
		}
	}
	var wg sync.WaitGroup
	limit := make(chan struct{}, cap(r.free)) // open files and their bytes
	for i, name := range files {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			defer watchSlow(name, slowAfter, told)()
			picture, err := file.ReadAll(name, rescale.MaxFile)
			err = command.Address(err)
			if err == nil {
				err = r.square(ctx, r.squares[i], picture, false)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	for i, name := range files {
		if errs[i] != nil {
			bad = append(bad, badPicture{File: name, Error: errs[i].Error()})
			continue
		}
		squares, good = append(squares, r.squares[i]), append(good, name)
	}
	return squares, good, bad
}

// watchSlow tells of a file every so often, until the function that it returns is
// called and has returned.
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

// sayingSlow names slow files on a line.
func sayingSlow(line *command.Line) func(name string, took time.Duration) {
	return func(name string, took time.Duration) {
		line.Print("%s has taken %.0f s so far", name, took.Seconds())
	}
}
