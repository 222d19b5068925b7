package mds

import (
	"errors"
	"os"
	"reflect"
	"syscall"
	"testing"
)

// samples reads all samples of a shard.
func samples(t *testing.T, s *Shard) (all [][][]byte) {
	t.Helper()
	for i := range s.Len() {
		s.WillNeed(i, i%2 == 0)
		values, err := s.Sample(nil, i)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, values)
	}
	return all
}

// TestWithoutMapping reads the same from a file that is not mapped, because it
// was asked for or because the file system refuses, as from a mapped one.
func TestWithoutMapping(t *testing.T) {
	dir, x := writeShards(t, 200, WriterConfig{Hashes: []string{"xxh64"}})
	mapped, err := OpenShard(dir, x.Shards[0])
	if err != nil {
		t.Fatal(err)
	}
	defer mapped.Close()
	want := samples(t, mapped)
	refuse := func(*os.File, int) ([]byte, func() error, error) { return nil, nil, syscall.ENODEV }
	for name, c := range map[string]struct {
		access  Access
		mapping func(*os.File, int) ([]byte, func() error, error)
	}{
		"asked for": {Access{NoMap: true}, mapFile},
		"refused":   {Access{}, refuse},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() { mapping = mapFile }()
			mapping = c.mapping
			s, err := c.access.OpenShard(dir, x.Shards[0])
			if err != nil {
				t.Fatal(err)
			}
			if s.raw.data != nil {
				t.Error("the shard is in memory, want it read piece by piece")
			}
			if got := samples(t, s); !reflect.DeepEqual(got, want) {
				t.Error("other samples than from a mapped shard")
			}
			if err := s.Verify(); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWithoutMappingCut cuts a file short while it is open.
func TestWithoutMappingCut(t *testing.T) {
	dir, x := writeShards(t, 200, WriterConfig{})
	s, err := Access{NoMap: true}.OpenShard(dir, x.Shards[0])
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Truncate(s.Path(), s.offset(100)+20); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Column(99, 0); err != nil {
		t.Errorf("sample 99 lies before the cut: %v", err)
	}
	for _, i := range []int{100, 101, 199} {
		var corrupt *CorruptError
		if _, err := s.Column(i, 0); !errors.As(err, &corrupt) || corrupt.Sample != i || corrupt.Shard != s.Path() {
			t.Errorf("sample %d: error %v, want a CorruptError that names it", i, err)
		}
	}
	if err := s.Verify(); err == nil {
		t.Error("Verify finds nothing wrong with a file that was cut short")
	}
}
