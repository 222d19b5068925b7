package pipeline

// Batch holds a loader's images for one step: cropped, flipped bytes and three
// colour offsets an image. N is the loader's batch size; in ten-crop mode one
// picture takes ten rows. The batch and its slices belong to the loader and are
// valid until Release.
type Batch struct {
	Epoch   int       // from 0
	Step    int       // batch within the epoch, from 0
	Images  int       // filled rows; less than N only in a ragged last batch
	Pixels  []byte    // (N, crop, crop, 3) RGB bytes, or (N, 3, crop, crop) with ChannelsFirst; 0 beyond Images
	Colour  []float32 // (N, 3), in 0–255 units, to be added to every pixel; 0 beyond Images
	Labels  []int32   // (N); −1 beyond Images
	Samples []int     // (N) sample numbers in the dataset, before shuffling; −1 beyond Images

	release func()
}

// Release gives the batch's memory back to the loader. The batch's slices must not be
// used afterwards. Before Release, the caller may replace Pixels with other memory of
// the same capacity and keep the old memory; the loader then uses the new memory.
// Release must not be called again after the loader has handed out another batch.
func (b *Batch) Release() {
	if b.release != nil {
		b.release()
	}
}
