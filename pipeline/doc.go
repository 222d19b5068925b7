// Package pipeline takes labelled pictures to shards, and shards to training
// batches.
//
// The sharding job reads a source (package source), brings every picture to a
// square of RGB pixels (package decode), encodes it (package codec) and writes
// it to a folder of shards (package mds) whose index also holds a Meta: classes,
// codec, and exact colour statistics.
//
// OpenDataset opens such a folder, and a Loader presents it batch by batch: shuffled,
// cropped, mirrored and with colour noise for training, by the centre or by ten crops
// for testing. The presentation depends on the loader's configuration only: (seed,
// epoch) decide the order, and (seed, epoch, sample) decide a picture's crop, flip and
// noise.
package pipeline
