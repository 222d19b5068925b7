package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"alexnet/internal/file"
	"alexnet/internal/redact"
	"alexnet/internal/setting"
	"alexnet/pipeline/mds"
)

// Folder is a remote folder of shards. Its methods may be used by many
// goroutines at once.
type Folder struct {
	config Config
	store  store
	place  string // redacted
	dir    string // of its files in the cache
	cache  cache
	index  *mds.Index
	text   []byte // of the index

	ctx     context.Context // ends with Close
	cancel  context.CancelCauseFunc
	running sync.WaitGroup

	noting  sync.Mutex
	mu      sync.Mutex
	whole   map[string]bool   // shards in the cache that this Folder has fetched or checked
	fetches map[string]*fetch // in progress, by the name in the cache
	damaged map[string]error  // faults at the source
}

// fetch is one download with any number of waiting callers.
type fetch struct {
	name    string // in the cache
	done    chan struct{}
	err     error
	callers int
	cancel  context.CancelFunc
}

// errClosed is returned to callers that wait when Close is called.
var errClosed = errors.New("the remote folder is closed")

const (
	shardSuffix = ".mds"
	indexStalls = 10 // the whole index may take this many times Config.Stall
)

// Open reads the index of the remote folder at a URL. If the server can't be reached,
// Open uses an earlier copy of the index, with a note. A shard that is not in the cache
// is then an error at its first use.
func Open(ctx context.Context, url string, config Config) (*Folder, error) {
	if err := config.defaults(); err != nil {
		return nil, err
	}
	s, err := openStore(ctx, url)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(strings.TrimRight(redact.URL(url), "/")))
	place, _, _ := strings.Cut(s.location(""), "?")
	f := &Folder{
		config: config, store: s, place: strings.TrimSuffix(place, "/"),
		dir:   filepath.Join(config.Cache, hex.EncodeToString(sum[:8])),
		cache: cache{dir: config.Cache, limit: config.CacheSize},
		whole: map[string]bool{}, fetches: map[string]*fetch{}, damaged: map[string]error{},
	}
	if err := os.MkdirAll(f.dir, 0o777); err != nil {
		return nil, setting.Errorf("cache: %w; give another folder with %s", err, setting.Name("cache-dir"))
	}
	if err := f.readIndex(ctx); err != nil {
		s.close()
		return nil, err
	}
	f.ctx, f.cancel = context.WithCancelCause(context.Background())
	return f, nil
}

// readIndex reads the index from the server, or else from the cache.
func (f *Folder) readIndex(ctx context.Context) error {
	config := f.config
	config.Attempts = min(config.Attempts, 4)
	late := &Error{URL: f.store.location(mds.IndexName), Attempts: 1, Took: indexStalls * config.Stall, Err: errStalled}
	ctx, cancel := context.WithTimeoutCause(ctx, late.Took, late)
	defer cancel()
	t := newTransfer(ctx, &config, f.store, mds.IndexName, -1)
	defer t.endRequest()
	text, err := io.ReadAll(io.LimitReader(t, mds.IndexLimit+1))
	if len(text) > mds.IndexLimit {
		return fmt.Errorf("%s has more than %d bytes: no index of a folder of shards is so long", f.store.location(mds.IndexName), mds.IndexLimit)
	}
	copied := filepath.Join(f.dir, mds.IndexName)
	var failed *Error
	if errors.As(err, &failed) && !permanent(failed.Err) {
		old, missing := file.ReadAll(copied, mds.IndexLimit)
		if missing != nil {
			return err
		}
		f.note(fmt.Sprintf("%v: going on with what the cache has", failed))
		text, err = old, nil
	} else if err == nil {
		err = f.writeIndex(copied, text)
	}
	if err != nil {
		return err
	}
	f.text = text
	if f.index, err = mds.ParseIndex(text); err != nil {
		return fmt.Errorf("%s: %w; is it a folder of shards?", f.store.location(mds.IndexName), err)
	}
	return nil
}

// writeIndex stores the index, in case the server can't be reached later.
func (f *Folder) writeIndex(path string, text []byte) error {
	if old, err := file.ReadAll(path, mds.IndexLimit); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := file.WriteAll(path, text); err != nil {
		return setting.Errorf("cache: %w; give another folder with %s", err, setting.Name("cache-dir"))
	}
	return nil
}

// Location returns the folder's URL without parameters and passwords.
func (f *Folder) Location() string { return f.place }

// Index lists the shards. It must not be written to.
func (f *Folder) Index() *mds.Index { return f.index }

// IndexText returns the index's bytes.
func (f *Folder) IndexText() []byte { return f.text }

// CacheSize is the most that the cache may take, in bytes.
func (f *Folder) CacheSize() int64 { return f.config.CacheSize }

// Fetch waits until a shard of the index is in the cache as a raw file. It returns the
// cache's folder, and the shard's entry with its name there. A file that was in the
// cache before is compared with the index's hash at its first use, and fetched again if
// it differs. The file may be removed to make room for others, but not while it is
// mapped or open. A caller that finds it removed calls Fetch again.
//
// It returns an *Error if the shard can't be fetched, and the context's error if the
// context ends first. If the shard differs from the index after every attempt, it
// returns an *mds.CorruptError, and later calls return it too.
func (f *Folder) Fetch(ctx context.Context, shard *mds.ShardInfo) (dir string, local mds.ShardInfo, err error) {
	local = f.local(shard)
	name := local.RawData.Basename
	full := filepath.Join(f.dir, name)
	f.mu.Lock()
	if f.whole[name] && f.cache.touch(full) {
		f.mu.Unlock()
		return f.dir, local, nil
	}
	if err := f.damaged[name]; err != nil {
		f.mu.Unlock()
		return "", local, err
	}
	if f.ctx.Err() != nil {
		f.mu.Unlock()
		return "", local, errClosed
	}
	w := f.fetches[name]
	if w == nil {
		w = &fetch{name: name, done: make(chan struct{})}
		var download context.Context
		download, w.cancel = context.WithCancel(f.ctx)
		f.fetches[name] = w
		f.running.Go(func() { f.run(download, w, shard, full) })
	}
	w.callers++
	f.mu.Unlock()
	select {
	case <-w.done:
		return f.dir, local, w.err
	case <-ctx.Done():
		f.leave(w)
		return "", local, context.Cause(ctx)
	}
}

// leave ends a download without waiting callers.
func (f *Folder) leave(w *fetch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w.callers--; w.callers == 0 {
		w.cancel()
		if f.fetches[w.name] == w { // a later caller starts a new download
			delete(f.fetches, w.name)
		}
	}
}

// run downloads a shard for the waiting callers.
func (f *Folder) run(ctx context.Context, w *fetch, shard *mds.ShardInfo, full string) {
	defer w.cancel()
	w.err = f.download(ctx, shard, full)
	f.mu.Lock()
	defer f.mu.Unlock()
	var damage *mds.CorruptError
	if errors.As(w.err, &damage) {
		f.damaged[w.name] = w.err
	}
	if w.err == nil {
		f.whole[w.name] = true
	}
	if f.fetches[w.name] == w {
		delete(f.fetches, w.name)
	}
	close(w.done)
}

// local returns a shard's entry in the cache: raw, and under a name that depends on its
// contents. So if a folder is made again at the same URL, its old shards aren't used.
func (f *Folder) local(shard *mds.ShardInfo) mds.ShardInfo {
	local := *shard
	local.Compression, local.ZipData = "", nil
	base := path.Base(shard.RawData.Basename)
	mark := sha256.New()
	fmt.Fprintln(mark, shard.RawData)
	if !hashed(&shard.RawData) {
		mark.Write(f.text)
	}
	local.RawData.Basename = strings.TrimSuffix(base, shardSuffix) + "." + hex.EncodeToString(mark.Sum(nil)[:8]) + shardSuffix
	return local
}

// hashed reports whether the index has a hash of a file.
func hashed(file *mds.FileInfo) bool {
	for name := range file.Hashes {
		if mds.NewHash(name) != nil {
			return true
		}
	}
	return false
}

// note prints one message to the user at a time.
func (f *Folder) note(text string) {
	f.noting.Lock()
	defer f.noting.Unlock()
	f.config.Note(text)
}

// Close ends all downloads and waits for their goroutines. The cache stays.
func (f *Folder) Close() error {
	f.mu.Lock()
	f.cancel(errClosed)
	f.mu.Unlock()
	f.running.Wait()
	f.store.close()
	return nil
}
