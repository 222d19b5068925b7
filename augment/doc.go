// Package augment holds pure functions of pixels: crops and mirror images,
// Krizhevsky's colour noise along the principal axes of a training set, and
// the exact statistics that these axes come from.
//
// Pixels are interleaved R, G, B bytes in row-major order, so a picture of
// size×size pixels is size·size·3 bytes. Colours, means and noise are in 0–255
// units unless a name says otherwise.
//
// Random numbers are drawn from a [Stream], which depends on (seed, epoch, sample)
// only. So the presentation of a picture doesn't depend on the number of workers or
// ranks, or on whether the run was resumed. For each presentation the draws are made in
// this order, and a new augmentation adds its own draws at the end:
//
//  1. x of the crop, 2. y of the crop, 3. mirrored or not ([RandomView]);
//  4. to 6. a normal number for the first, second and third axis ([PCA.Noise]), where there is noise;
//  7. on: the augmentations of [Kinds], in that order, where they are chosen.
//
// So switching on one of these augmentations doesn't change the draws before it.
package augment
