package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"alexnet/internal/printable"
	"alexnet/pipeline/mds"
)

// MosaicML's merge_index joins folders of shards with an index of the shards in their
// places. It drops all keys but MosaicML's. The folders' own indexes still have them.

// metaOfParts joins the Metas of the folders whose shards an index of dir lists. It
// returns nil if the shards aren't in folders below dir that each have our index, and an
// error if these indexes list other shards.
func metaOfParts(dir string, index *mds.Index) (*Meta, error) {
	var joined Meta
	var pictures []string
	first := ""
	seen := map[string]bool{}
	for i := 0; i < len(index.Shards); {
		folder := partFolder(&index.Shards[i])
		if folder == "" {
			return nil, nil
		}
		part, meta, err := readPart(dir, folder)
		if err != nil || meta == nil {
			return nil, err
		}
		n := len(part.Shards)
		if seen[folder] || i+n > len(index.Shards) || !slices.EqualFunc(index.Shards[i:i+n], part.Shards, sameShard) {
			return nil, fmt.Errorf("lists other shards of %s than %s: join the folders again",
				printable.Name(folder), printable.Name(filepath.Join(dir, filepath.FromSlash(folder), mds.IndexName)))
		}
		if why := joined.join(meta); why != "" {
			return nil, fmt.Errorf("joins %s and %s, which aren't of one kind: %s", printable.Name(first), printable.Name(folder), why)
		}
		seen[folder] = true
		first = folder
		pictures = append(pictures, meta.pictures())
		i += n
	}
	joined.Part = nil
	joined.Job.Pictures = chainPictures(pictures...)
	return &joined, nil
}

// partFolder is the folder of a shard, relative to the index, or "".
func partFolder(s *mds.ShardInfo) string {
	folder := path.Dir(shardFile(s).Basename)
	if folder == "." || !filepath.IsLocal(filepath.FromSlash(folder)) {
		return ""
	}
	return folder
}

// readPart reads the index of a folder below dir. The Meta is nil if there is none of
// ours.
func readPart(dir, folder string) (*mds.Index, *Meta, error) {
	at := filepath.Join(dir, filepath.FromSlash(folder))
	index, err := mds.ReadIndex(at)
	if err != nil {
		return nil, nil, nil
	}
	raw, ok := index.Extra[MetaKey]
	if !ok || len(index.Shards) == 0 {
		return index, nil, nil
	}
	d := &Dataset{dir: at}
	if err := json.Unmarshal(raw, &d.meta); err != nil {
		return nil, nil, fmt.Errorf("%s: %q entry: %w", printable.Name(filepath.Join(at, mds.IndexName)), MetaKey, err)
	}
	if err := d.checkMeta(index); err != nil {
		return nil, nil, fmt.Errorf("%s: %q entry: %w", printable.Name(filepath.Join(at, mds.IndexName)), MetaKey, err)
	}
	return index, &d.meta, nil
}

// sameShard reports whether two entries describe the same shard, apart from its folder.
func sameShard(a, b mds.ShardInfo) bool {
	x, y := shardFile(&a), shardFile(&b)
	return a.Samples == b.Samples && path.Base(x.Basename) == path.Base(y.Basename) && x.Bytes == y.Bytes && maps.Equal(x.Hashes, y.Hashes)
}

// partsBelow returns an index of the shards in dir's subfolders that have our index,
// sorted by name, as merge_index makes it. It returns nil if there are none.
func partsBelow(dir string) *mds.Index {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var all mds.Index
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		part, meta, err := readPart(dir, e.Name())
		if err != nil || meta == nil {
			continue
		}
		for _, s := range part.Shards {
			rename(&s, func(name string) string { return e.Name() + "/" + name })
			all.Shards = append(all.Shards, s)
		}
	}
	if len(all.Shards) == 0 {
		return nil
	}
	return &all
}
