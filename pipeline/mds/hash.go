package mds

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/zeebo/xxh3"
)

// hashes are the hash functions by their names in Python's hashlib and xxhash.
var hashes = map[string]func() hash.Hash{
	"md5":      md5.New,
	"sha1":     sha1.New,
	"sha256":   sha256.New,
	"sha512":   sha512.New,
	"xxh64":    func() hash.Hash { return xxhash.New() },
	"xxh3_64":  func() hash.Hash { return xxh3.New() },
	"xxh128":   func() hash.Hash { return xxh3.New128() },
	"xxh3_128": func() hash.Hash { return xxh3.New128() },
}

// NewHash makes the hash function of that name, nil for an unknown one.
func NewHash(name string) hash.Hash {
	if make := hashes[name]; make != nil {
		return make()
	}
	return nil
}

// HashNames lists the hashes that shards can carry and Verify can check.
func HashNames() []string {
	return slices.Sorted(maps.Keys(hashes))
}

func checkHashNames(names []string) error {
	for i, name := range names {
		if hashes[name] == nil {
			return fmt.Errorf("unknown hash %q; known are %s", name, strings.Join(HashNames(), ", "))
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("hash %q is named twice", name)
		}
	}
	return nil
}

// sum hashes parts one after another, and returns each hash as lower-case hex.
func sum(names []string, parts ...[]byte) map[string]string {
	sums := make(map[string]string, len(names))
	for _, name := range names {
		h := hashes[name]()
		for _, part := range parts {
			h.Write(part)
		}
		sums[name] = hex.EncodeToString(h.Sum(nil))
	}
	return sums
}
