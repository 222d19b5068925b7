package mds

import "fmt"

// CorruptError locates damage in a shard.
type CorruptError struct {
	Shard  string // the file
	Sample int    // in the shard; -1: not in a sample
	Offset int64  // in the raw shard, bytes
	Err    error
}

func (e *CorruptError) Error() string {
	where := ""
	if e.Sample >= 0 {
		where = fmt.Sprintf(" sample %d", e.Sample)
	}
	return fmt.Sprintf("%s:%s offset %d: damaged: %v; restore the file or make the shards again", e.Shard, where, e.Offset, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// Corrupt is the *CorruptError of sample i, for readers that find a value that does not
// fit its column.
func (s *Shard) Corrupt(i int, err error) error {
	return &CorruptError{Shard: s.path, Sample: i, Offset: s.offset(i), Err: err}
}

func (s *Shard) corrupt(sample int, offset int64, format string, args ...any) error {
	return &CorruptError{Shard: s.path, Sample: sample, Offset: offset, Err: fmt.Errorf(format, args...)}
}
