package mds

// Corrupt is the *CorruptError of sample i, for readers who find that one of its
// values is not what the column holds.
func (s *Shard) Corrupt(i int, err error) error {
	return &CorruptError{Shard: s.path, Sample: i, Offset: s.offset(i), Err: err}
}
