package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"alexnet/augment"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/remote"
)

// origin serves a folder and records the requested shards.
type origin struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func serveFolder(t *testing.T, dir string, wrap func(http.Handler) http.Handler) *origin {
	t.Helper()
	o := &origin{}
	var files http.Handler = http.FileServer(http.Dir(dir))
	if wrap != nil {
		files = wrap(files)
	}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := filepath.Base(r.URL.Path); name != mds.IndexName {
			o.mu.Lock()
			o.asked = append(o.asked, name)
			o.mu.Unlock()
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *origin) shards() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.asked)
}

// openRemote opens the folder that o serves, with a cache of its own.
func openRemote(t *testing.T, o *origin, cacheSize int64) *Dataset {
	t.Helper()
	f, err := remote.Open(t.Context(), o.URL, remote.Config{Cache: t.TempDir(), CacheSize: cacheSize, Attempts: 2, Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	d, err := OpenRemoteDataset(f, DatasetConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestRemoteDataset gives what the folder gives, by every way of reading it,
// also when the cache holds few of the shards.
func TestRemoteDataset(t *testing.T) {
	for _, compression := range []string{"", "zstd:3"} {
		set := testSet{codec: "lossless", images: 90, size: 12, limit: 2000, compression: compression}
		dir := set.write(t)
		local, err := OpenDataset(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer local.Close()
		o := serveFolder(t, dir, nil)
		for _, shards := range []int64{2, 5, 1000} {
			t.Run(fmt.Sprintf("%s %d shards", compression, shards), func(t *testing.T) {
				d := openRemote(t, o, shards*2000+20_000) // and the index
				if d.Len() != local.Len() || !d.Remote() || d.Dir() != o.URL {
					t.Fatalf("%d samples at %s", d.Len(), d.Dir())
				}
				for _, shuffle := range []Shuffle{ShuffleDefault, ShuffleGlobal, ShuffleNone} {
					for _, workers := range []int{1, 3, 16} {
						c := LoaderConfig{Batch: 8, Crop: 8, Train: true, PCA: &testPCA, Seed: 4, Epochs: 3, StartStep: 2, Window: 20, Shuffle: shuffle, Workers: workers}
						got := load(t, d, c, -1)
						if shuffle == ShuffleDefault {
							c.Shuffle = ShuffleShards
						}
						if !slices.Equal(got, load(t, local, c, -1)) {
							t.Errorf("%v, %d workers: other rows than from the folder itself", shuffle, workers)
						}
					}
				}
				var want, sums augment.Sums
				var mu sync.Mutex
				add := func(to *augment.Sums) func(worker, sample, label int, rgb []byte) error {
					return func(worker, sample, label int, rgb []byte) error {
						mu.Lock()
						defer mu.Unlock()
						to.Add(rgb)
						return nil
					}
				}
				if err := errors.Join(local.Scan(t.Context(), 2, add(&want)), d.Scan(t.Context(), 3, add(&sums))); err != nil || sums != want {
					t.Errorf("other statistics than of the folder itself (%v)", err)
				}
				if s, err := d.Sample(77); err != nil || s.Label != 77%testClasses {
					t.Errorf("sample 77: %+v, %v", s, err)
				}
			})
		}
	}
}

// TestRemoteResume goes on near the end of an epoch: no shard is fetched that
// only earlier batches need.
func TestRemoteResume(t *testing.T) {
	dir := testSet{codec: "raw", images: 120, size: 12, limit: 2000}.write(t)
	o := serveFolder(t, dir, nil)
	d := openRemote(t, o, 1<<30)
	c := LoaderConfig{Batch: 10, Crop: 8, Train: true, Epochs: 1, StartStep: 9, Window: 10}
	load(t, d, c, -1)
	needed := map[string]bool{}
	for _, sample := range ShardOrder(c.Seed, 0, d.first, c.Window)[90:] {
		needed[d.shards[d.shardOf(int(sample))].info.RawData.Basename] = true
	}
	asked := o.shards()
	if len(asked) != len(needed) || len(needed) > len(d.shards)/2 {
		t.Errorf("%d shards were fetched, %d of %d are needed", len(asked), len(needed), len(d.shards))
	}
	for _, name := range asked {
		if !needed[name] {
			t.Errorf("%s was fetched, and not needed", name)
		}
	}
}

// TestRemoteAhead sees that shards come before they are needed, as many as half
// of the cache holds and no more.
func TestRemoteAhead(t *testing.T) {
	dir := testSet{codec: "raw", images: 400, size: 12, limit: 5000}.write(t)
	o := serveFolder(t, dir, nil)
	const cache = 100_000
	d := openRemote(t, o, cache)
	l, err := NewLoader(d, LoaderConfig{Batch: 10, Crop: 8, Shuffle: ShuffleNone, Prefetch: 1, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info := &d.shards[0].info
	for step := range 20 {
		taken := (step+1)*10 + 2 // by the two workers, who wait for the next batch
		most := (taken+info.Samples-1)/info.Samples + int(cache/2/info.RawData.Bytes) + 1
		deadline := time.Now().Add(5 * time.Second)
		for len(o.shards()) < most-5 && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if n := len(o.shards()); n < most-5 || n > most {
			t.Fatalf("step %d: %d shards were fetched, want about %d", step, n, most)
		}
		read(t, l, 1)
	}
}

// TestRemoteOutage loses the server in the middle of an epoch: an error that
// names the URL, which no skipping of bad samples hides.
func TestRemoteOutage(t *testing.T) {
	dir := testSet{codec: "raw", images: 120, size: 12, limit: 2000}.write(t)
	for _, skip := range []bool{false, true} {
		o := serveFolder(t, dir, func(files http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "shard.00010") {
					panic(http.ErrAbortHandler)
				}
				files.ServeHTTP(w, r)
			})
		})
		d := openRemote(t, o, 1<<30)
		l, err := NewLoader(d, LoaderConfig{Batch: 4, Crop: 8, SkipBad: skip})
		if err != nil {
			t.Fatal(err)
		}
		before := d.first[10] / 4
		read(t, l, before)
		_, err = l.Next(context.Background())
		var failed *remote.Error
		if !errors.As(err, &failed) || !strings.HasSuffix(failed.URL, "/shard.00010.mds") {
			t.Errorf("skip %t: error %v, want one of that shard", skip, err)
		}
		l.Close()
	}
}

// TestRemoteDamage has a shard whose bytes are not what the index says: its
// samples are bad ones, which can be skipped.
func TestRemoteDamage(t *testing.T) {
	dir := testSet{codec: "raw", images: 60, size: 12, limit: 2000}.write(t)
	path := filepath.Join(dir, "shard.00003.mds")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	o := serveFolder(t, dir, nil)
	d := openRemote(t, o, 1<<30)
	c := LoaderConfig{Batch: 4, Crop: 8, Epochs: 1}
	l, err := NewLoader(d, c)
	if err != nil {
		t.Fatal(err)
	}
	read(t, l, d.first[3]/4)
	var where *mds.CorruptError
	if _, err := l.Next(context.Background()); !errors.As(err, &where) || where.Shard != o.URL+"/shard.00003.mds" {
		t.Errorf("error %v, want one of that shard", err)
	}
	l.Close()

	c.SkipBad = true
	var samples []int
	for _, r := range load(t, d, c, -1) {
		if r.sample >= 0 {
			samples = append(samples, r.sample)
		}
	}
	var want []int
	for i := range d.Len() {
		if d.shardOf(i) != 3 {
			want = append(want, i)
		}
	}
	if !slices.Equal(samples, want) {
		t.Errorf("samples %v, want %v", samples, want)
	}
}

// TestRemoteHangs closes a loader, and cancels Next, while the server keeps
// everybody waiting.
func TestRemoteHangs(t *testing.T) {
	dir := testSet{codec: "raw", images: 60, size: 12, limit: 2000}.write(t)
	o := serveFolder(t, dir, func(files http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".mds") {
				<-r.Context().Done()
				return
			}
			files.ServeHTTP(w, r)
		})
	})
	d := openRemote(t, o, 1<<30)
	took := time.Hour // the best of three, since the machine may be busy
	for range 3 {
		l, err := NewLoader(d, LoaderConfig{Batch: 4, Crop: 8})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var began time.Time
		time.AfterFunc(20*time.Millisecond, func() {
			began = time.Now()
			cancel()
		})
		if _, err := l.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that of the context", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := l.Next(context.Background()); err != ErrLoaderClosed {
			t.Errorf("error %v, want %v", err, ErrLoaderClosed)
		}
		took = min(took, time.Since(began))
	}
	if took > 100*time.Millisecond {
		t.Errorf("Next and Close returned %v after the context was cancelled", took)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := d.Scan(ctx, 2, func(worker, sample, label int, rgb []byte) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v of Scan, want that of the context", err)
	}
}

// fullDisk is a folder of shards on a full disk. To fetch shard wanted, it removes the
// others, and fails until they are closed, as a full disk does.
type fullDisk struct {
	*remote.Folder
	wanted  string
	removed func() []*datasetShard // the others
	fetched int                    // how often wanted was asked for
}

func (f *fullDisk) Fetch(ctx context.Context, shard *mds.ShardInfo) (string, mds.ShardInfo, error) {
	if shard.RawData.Basename != f.wanted {
		return f.Folder.Fetch(ctx, shard)
	}
	f.fetched++
	open := 0
	for _, s := range f.removed() {
		if s.shard != nil {
			os.Remove(s.shard.Path())
			open++
		}
	}
	if open > 0 {
		return "", mds.ShardInfo{}, &fs.PathError{Op: "write", Path: f.wanted, Err: syscall.ENOSPC}
	}
	return f.Folder.Fetch(ctx, shard)
}

// TestFullDiskOfOpenShards: the room of shards that the cache has removed is free
// only when they are closed.
func TestFullDiskOfOpenShards(t *testing.T) {
	dir := testSet{codec: "raw", images: 30, size: 12, limit: 2000}.write(t)
	o := serveFolder(t, dir, nil)
	folder, err := remote.Open(t.Context(), o.URL, remote.Config{Cache: t.TempDir(), CacheSize: 1 << 20, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	disk := &fullDisk{Folder: folder, wanted: folder.Index().Shards[2].RawData.Basename}
	d, err := OpenRemoteDataset(disk, DatasetConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	disk.removed = func() []*datasetShard { return d.shards[:2] }
	for _, shard := range []int{0, 1, 2} {
		if _, err := d.Sample(d.first[shard]); err != nil {
			t.Fatalf("shard %d: %v", shard, err)
		}
	}
	if disk.fetched != 2 {
		t.Errorf("shard 2 was asked for %d times, want 2", disk.fetched)
	}
	// With a reader in one of them, there is no room.
	lent, err := d.acquireShard(t.Context(), d.shards[0])
	if err != nil || lent == nil {
		t.Fatal(err)
	}
	defer d.releaseShard(d.shards[0])
	d.shards[2].shard.Close()
	d.shards[2].shard = nil
	if _, err := d.Sample(d.first[2]); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v while another shard is read", err)
	}
}
