package remote

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"syscall"

	"github.com/klauspost/compress/zstd"

	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline/mds"
)

// sizeError says that an object's length differs from the index.
type sizeError struct{ size, want int64 }

func (e *sizeError) Error() string {
	return fmt.Sprintf("the object has %d bytes, the index says %d", e.size, e.want)
}

// wholeAttempts is how often a damaged shard is fetched: the damage may have happened on
// the way.
const wholeAttempts = 3

// download fetches one shard to the cache, unless it is there already.
func (f *Folder) download(ctx context.Context, shard *mds.ShardInfo, full string) error {
	if f.cache.touch(full) {
		err := checkCached(ctx, full, &shard.RawData)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if err := f.cache.remove(ctx, full); err != nil {
			return f.explain(ctx, err)
		}
		f.note(fmt.Sprintf("%s in the cache is not as it was fetched: %v; it is fetched again", printable.Name(full), err))
	}
	part, err := f.cache.reserve(ctx, full, shard.RawData.Bytes)
	if part == nil || err != nil {
		return f.explain(ctx, err)
	}
	for attempt := 1; ; attempt++ {
		err = f.fill(ctx, part, shard)
		var damage *mds.CorruptError
		if !errors.As(err, &damage) || attempt == wholeAttempts {
			break
		}
		if err = sleep(ctx, backoff(f.config.Backoff, attempt)); err != nil {
			break
		}
	}
	if err == nil {
		err = f.cache.commit(ctx, part, full)
	}
	if err != nil {
		f.cache.abandon(part)
		return f.explain(ctx, err)
	}
	return nil
}

// explain adds to errors of the cache what the user can do.
func (f *Folder) explain(ctx context.Context, err error) error {
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, syscall.ENOSPC):
		return setting.Errorf("cache %s: %w: the disk is full; give a smaller %s, or a %s elsewhere", f.config.Cache, err, setting.Name("cache-size"), setting.Name("cache-dir"))
	case errors.As(err, new(*Error)), errors.As(err, new(*mds.CorruptError)):
		return err
	}
	return fmt.Errorf("cache %s: %w", f.config.Cache, err)
}

// fill writes the raw shard from the beginning of the file and checks it.
func (f *Folder) fill(ctx context.Context, part *os.File, shard *mds.ShardInfo) error {
	object := &shard.RawData
	if shard.ZipData != nil {
		object = shard.ZipData
	}
	url := f.store.location(filepath.ToSlash(object.Basename))
	damage := func(err error) error {
		return &mds.CorruptError{Shard: url, Sample: -1, Err: err}
	}
	if _, err := part.Seek(0, io.SeekStart); err != nil {
		return err
	}
	defer part.Truncate(shard.RawData.Bytes) // in case the response was longer
	t := newTransfer(ctx, &f.config, f.store, object.Basename, object.Bytes)
	defer t.endRequest()
	sent, raw := newSums(object), newSums(&shard.RawData)
	var in io.Reader = io.TeeReader(io.LimitReader(t, object.Bytes+1), sent)
	if shard.ZipData != nil {
		if shard.RawData.Bytes > mds.MaxUnpacked {
			return damage(fmt.Errorf("it is said to unpack to %d bytes; at most %d are unpacked", shard.RawData.Bytes, mds.MaxUnpacked))
		}
		window := max(1<<20, uint64(1)<<bits.Len64(uint64(shard.RawData.Bytes)))
		unzip, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(window))
		if err != nil {
			return err
		}
		defer unzip.Close()
		in = unzip
	}
	// One byte more than expected shows that the response is too long.
	n, err := io.CopyBuffer(io.MultiWriter(part, raw), io.LimitReader(in, shard.RawData.Bytes+1), make([]byte, 1<<18))
	var wrong *sizeError
	switch {
	case errors.As(err, &wrong):
		return damage(wrong)
	case ctx.Err() != nil, errors.As(err, new(*Error)), errors.As(err, new(*os.PathError)):
		return err
	case err != nil:
		return damage(err) // of unpacking
	case n != shard.RawData.Bytes:
		return damage(fmt.Errorf("it gives %d bytes or more, the index says %d", n, shard.RawData.Bytes))
	}
	if shard.ZipData != nil {
		if err := sent.check(object); err != nil {
			return damage(err)
		}
	}
	if err := raw.check(&shard.RawData); err != nil {
		return damage(err)
	}
	return nil
}

// fastestHashes lists hashes, the fastest first. One of them is enough to detect a change of a
// file that was correct before.
var fastestHashes = []string{"xxh3_64", "xxh3_128", "xxh128", "xxh64", "sha1", "sha256", "sha512", "md5"}

// checkCached compares a file of the cache with the index: its size, and a hash if the
// index has a known one.
func checkCached(ctx context.Context, path string, object *mds.FileInfo) error {
	f, err := file.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	if stat.Size() != object.Bytes {
		return fmt.Errorf("it has %d bytes, the index says %d", stat.Size(), object.Bytes)
	}
	for _, name := range fastestHashes {
		if object.Hashes[name] == "" {
			continue
		}
		s := sums{name: mds.NewHash(name)}
		for piece := make([]byte, 1<<20); ; {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := f.Read(piece)
			s.Write(piece[:n])
			if err == io.EOF {
				return s.check(object)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// sums computes all hashes of a file that the index has.
type sums map[string]hash.Hash

func newSums(file *mds.FileInfo) sums {
	s := sums{}
	for name := range file.Hashes {
		if h := mds.NewHash(name); h != nil {
			s[name] = h
		}
	}
	return s
}

func (s sums) Write(p []byte) (int, error) {
	for _, h := range s {
		h.Write(p)
	}
	return len(p), nil
}

// check compares the hashes with those of the index.
func (s sums) check(file *mds.FileInfo) error {
	for name, h := range s {
		if got := hex.EncodeToString(h.Sum(nil)); got != file.Hashes[name] {
			return fmt.Errorf("%s of %s is %s, the index says %s", name, file.Basename, got, file.Hashes[name])
		}
	}
	return nil
}
