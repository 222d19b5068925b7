package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"alexnet/internal/file"
	"alexnet/pipeline/mds"
)

// RemoteShards is a folder of shards on another machine. remote.Folder implements it.
type RemoteShards interface {
	// Location is the place of the folder, for messages.
	Location() string
	// Index lists the shards.
	Index() *mds.Index
	// Fetch waits until a shard of the index is on this machine, and returns its folder
	// there and its entry under its name there. It may be called by many goroutines at
	// once, also for shards that are needed later. The file may be removed as soon as
	// it is open. It returns an *mds.CorruptError if the shard differs from the index,
	// and ctx's error when ctx ends.
	Fetch(ctx context.Context, shard *mds.ShardInfo) (dir string, local mds.ShardInfo, err error)
	// CacheSize is how many bytes of shards this machine keeps.
	CacheSize() int64
	// IndexText is the index's bytes.
	IndexText() []byte
	// Close ends all fetching. The dataset's Close calls it.
	Close() error
}

// OpenRemoteDataset opens a remote folder of shards, and checks that index and metadata
// agree. Each shard is checked at its first use. The dataset's Close also closes
// shards. If OpenRemoteDataset fails, it closes shards itself.
func OpenRemoteDataset(shards RemoteShards, c DatasetConfig) (*Dataset, error) {
	return openDataset(&Dataset{dir: shards.Location(), remote: shards, config: c}, shards.Index())
}

// Remote reports whether the shards are fetched from elsewhere.
func (d *Dataset) Remote() bool { return d.remote != nil }

// IndexText returns the current bytes of the index.
func (d *Dataset) IndexText() ([]byte, error) {
	if d.remote != nil {
		return d.remote.IndexText(), nil
	}
	return file.ReadAll(d.indexPath(), mds.IndexLimit)
}

// Index lists the shards. It must not be written to.
func (d *Dataset) Index() *mds.Index { return d.index }

// datasetShard is a shard of a dataset, and the positions of its columns.
type datasetShard struct {
	info               mds.ShardInfo
	image, label, name int

	opened atomic.Pointer[mds.Shard] // of a local dataset; nil until it is opened

	mu    sync.Mutex
	shard *mds.Shard // nil: not open
	err   error      // the permanent reason why it can't be opened
	users int        // of a remote dataset: acquireShard without releaseShard
}

// acquireShard returns the opened shard, which stays open until releaseShard. It waits
// for a remote shard until ctx ends.
func (d *Dataset) acquireShard(ctx context.Context, s *datasetShard) (*mds.Shard, error) {
	if d.remote != nil {
		return d.lendRemote(ctx, s)
	}
	if shard := s.opened.Load(); shard != nil {
		return shard, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shard == nil && s.err == nil {
		s.shard, s.err = d.config.OpenShard(d.dir, s.info)
		s.opened.Store(s.shard)
	}
	return s.shard, s.err
}

func (d *Dataset) lendRemote(ctx context.Context, s *datasetShard) (*mds.Shard, error) {
	if shard, err := s.use(); shard != nil || err != nil {
		return shard, err
	}
	d.closeUnused()
	for {
		dir, local, err := d.remote.Fetch(ctx, &s.info)
		if errors.Is(err, syscall.ENOSPC) && d.closeUnused() {
			continue // Fetch removed shards that were still open here
		}
		if err != nil && !errors.As(err, new(*mds.CorruptError)) {
			return nil, err
		}
		s.mu.Lock()
		if s.shard == nil && err == nil {
			s.shard, err = d.config.OpenShard(dir, local)
		}
		if errors.As(err, new(*mds.CorruptError)) {
			s.err = err
		}
		s.mu.Unlock()
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // otherwise another process removed it from the cache
			return nil, err
		}
		if shard, err := s.use(); shard != nil || err != nil {
			return shard, err
		}
	}
}

// await waits until the shard of sample i of a remote dataset is open.
func (d *Dataset) await(ctx context.Context, i int) error {
	s := d.shards[d.shardOf(i)]
	if _, err := d.acquireShard(ctx, s); err != nil {
		return err
	}
	d.releaseShard(s)
	return nil
}

// willNeed hints that sample i will be read soon. It does nothing if its shard isn't
// open.
func (d *Dataset) willNeed(i int, exactly bool) {
	d.look(i, func(s *mds.Shard, k int) { s.WillNeed(k, exactly) })
}

// resident reports whether sample i is in memory, false only if it is known not
// to be.
func (d *Dataset) resident(i int) bool {
	resident := true
	d.look(i, func(s *mds.Shard, k int) { resident = s.Resident(k) })
	return resident
}

// look calls fn with the shard of sample i and the sample's number in it, if the shard is
// open.
func (d *Dataset) look(i int, fn func(s *mds.Shard, k int)) {
	n := d.shardOf(i)
	s := d.shards[n]
	shard := s.opened.Load()
	if d.remote != nil {
		if shard, _ = s.use(); shard != nil {
			defer d.releaseShard(s)
		}
	}
	if shard != nil {
		shard.Guard(func() error { // offsets are read from the file
			fn(shard, i-d.first[n])
			return nil
		})
	}
}

// use returns a remote shard if it is open, or the reason why it can't be opened.
func (s *datasetShard) use() (*mds.Shard, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shard != nil {
		s.users++
		return s.shard, nil
	}
	return nil, s.err
}

// releaseShard ends the use of an acquired shard.
func (d *Dataset) releaseShard(s *datasetShard) {
	if d.remote == nil {
		return
	}
	s.mu.Lock()
	s.users--
	s.mu.Unlock()
}

// closeUnused closes shards that are not in use and no longer in the cache, because the disk
// frees their space only then. It reports whether there were any.
func (d *Dataset) closeUnused() (some bool) {
	for _, s := range d.shards {
		s.mu.Lock()
		if s.shard != nil && s.users == 0 {
			if _, err := os.Stat(s.shard.Path()); errors.Is(err, fs.ErrNotExist) {
				s.shard.Close() // an error doesn't matter after reading
				s.shard, some = nil, true
			}
		}
		s.mu.Unlock()
	}
	return some
}

func (s *datasetShard) close() error {
	if s.shard == nil {
		return nil
	}
	return s.shard.Close()
}
