package mds

import "fmt"

// Cut plans the shards of a Writer of this configuration for n samples of the given
// sizes (bytes in a shard, see Shard.SampleSize): it returns the number of each
// shard's first sample, and n at the end.
func Cut(cfg WriterConfig, n int, size func(i int) (int64, error)) ([]int, error) {
	w := &Writer{}
	if err := w.configure(cfg); err != nil {
		return nil, fmt.Errorf("cut into shards: %w", err)
	}
	var cuts []int
	for i := range n {
		bytes, err := size(i)
		if err != nil {
			return nil, err
		}
		if len(w.offsets) == 0 || w.full(bytes) {
			cuts = append(cuts, i)
			w.offsets, w.gathered = w.offsets[:0], 0
		}
		w.gathered += bytes
		w.offsets = append(w.offsets, uint32(w.gathered))
	}
	return append(cuts, n), nil
}

// SampleSize is the number of bytes that sample i, 0 to Len−1, takes in the
// shard.
func (s *Shard) SampleSize(i int) int64 { return s.offset(i+1) - s.offset(i) }
