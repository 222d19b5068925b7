package train

import (
	"context"
	"fmt"

	"alexnet/augment"
	"alexnet/internal/setting"
	"alexnet/pipeline"
)

// imageMean returns the centre of the training set's mean picture (size pixels a
// side), channels first. It takes a full pass over the shards.
func imageMean(ctx context.Context, d *pipeline.Dataset, size int) ([]float32, error) {
	full := d.Meta().Size
	if size > full {
		return nil, fmt.Errorf("the net reads %d pixels a side and the shards have %d", size, full)
	}
	sum := augment.NewMeanImage(full)
	decoder := d.Codec().NewDecoder(full)
	rgb := make([]byte, 3*full*full)
	for i := range d.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, err := d.Pixels(decoder, i, rgb); err != nil {
			return nil, fmt.Errorf("mean picture: %w", err)
		}
		sum.Add(rgb)
	}
	return centre(sum.Mean(), full, size), nil
}

// centre crops an (H, W, 3) picture to its centre and puts channels first.
func centre(picture []float32, full, size int) []float32 {
	view := augment.CentreView(full, size)
	mean := make([]float32, 3*size*size)
	for c := range 3 {
		for y := range size {
			for x := range size {
				mean[(c*size+y)*size+x] = picture[((view.Y+y)*full+view.X+x)*3+c]
			}
		}
	}
	return mean
}

// mean returns the mean to subtract. If pca is nil, the statistics in the index are
// used.
func (c *Config) mean(ctx context.Context, d *pipeline.Dataset, pca *augment.PCA, size int) ([]float32, error) {
	switch c.Mean {
	case MeanNone:
		return nil, nil
	case MeanImage:
		return imageMean(ctx, d, size)
	}
	if n, err := augment.ParseNormalisation(c.Mean); err == nil {
		return augment.ChannelMean(n.Mean, size), nil
	}
	if pca != nil {
		return augment.ChannelMean(pca.Mean, size), nil
	}
	sums := d.Meta().Statistics
	if sums.Pixels == 0 {
		return nil, setting.Errorf("the shards' index has no colour statistics: give %s, or %s none", setting.Name("pca"), setting.Name("mean"))
	}
	return augment.ChannelMean(sums.Mean(), size), nil
}
