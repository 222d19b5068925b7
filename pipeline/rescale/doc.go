// Package rescale turns the bytes of a picture file into the square RGB picture
// that a shard holds: decode by content, upright, RGB, short side to the wanted
// size, centre crop.
//
// # What becomes of odd pictures
//
// Grey is replicated. Alpha is dropped, not composited, and palette entries keep
// their colour whatever their transparency, as PIL's convert("RGB") does and so
// what torchvision trains on; only a GIF's transparent colour becomes black, since
// Go's decoder doesn't tell it. Sixteen-bit samples keep their high byte. CMYK is
// taken as inverted ("Adobe") whether or not an Adobe marker says so, and
// becomes RGB as (255−C)(255−K)/255, again as in PIL. ICC profiles are ignored.
// EXIF orientation is applied (JPEG, PNG, TIFF and WebP). Of an animation the
// first frame counts.
//
// # Resampling
//
// The centred square window of the source, short side wide, is resampled to
// size×size with a Catmull-Rom kernel that is widened by the reduction factor,
// so that it antialiases. The window starts at whole source pixels, so a picture
// of the right size is copied as it is, and only source pixels under the kernels
// are touched: a 1×5000 picture costs no more than a 1×1. Catmull-Rom (a = −½,
// PIL's BICUBIC) keeps the fine texture that a triangle filter softens; Lanczos
// takes half as many samples again and rings more.
//
// JPEG and WebP are resampled as the Y, Cb and Cr planes that they store, and
// converted afterwards: subsampled chroma is a quarter of the work, is
// interpolated by the same good kernel, and no full-size RGB copy is made.
package rescale
