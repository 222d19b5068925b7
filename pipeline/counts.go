package pipeline

import "alexnet/pipeline/mds"

// ClassCounts counts the samples of each class; it reads labels only.
func (d *Dataset) ClassCounts() ([]int, error) {
	counts := make([]int, len(d.meta.Classes))
	for i := range d.Len() {
		err := d.view(d.ctx, i, func(s *mds.Shard, at *datasetShard, k int) error {
			label, err := d.label(s, at, k)
			if err == nil {
				counts[label]++
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return counts, nil
}
