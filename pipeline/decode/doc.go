// Package decode turns the bytes of a picture file into the square RGB picture
// that a shard holds: decode by content, upright, RGB, short side to the wanted
// size, centre crop.
//
// # What becomes of odd pictures
//
// Grey is replicated. Alpha is dropped, not composited, and palette entries keep their
// colour, transparent or not. PIL's convert("RGB") does the same, and so do
// torchvision's training pipelines. Sixteen-bit samples keep their high byte. CMYK is
// taken as inverted ("Adobe") whether or not an Adobe marker says so, and becomes RGB
// as (255−C)(255−K)/255, again as in PIL. ICC profiles are ignored. Orientation is
// applied, be it stated in EXIF data, in ImageMagick's raw profiles or in XMP only
// (JPEG, PNG, TIFF and WebP): first a picture is turned, then resized and cropped. Of
// an animation the first frame counts, in its place on the whole canvas. What becomes
// of rarer kinds, each format's package says.
//
// # Decoding JPEG
//
// Package jpeg has the decoders, and says which takes what. All give libjpeg's
// pixels, to the bit, so it doesn't matter whether the machine has libjpeg-turbo.
//
// # Resampling
//
// A picture is resized to a short side of size and cropped to its centre, with
// sizes and corner rounded to whole pixels as torchvision's Resize and CenterCrop
// round them, by a Catmull-Rom kernel that is widened by the reduction factor, so
// that it antialiases (package resample; nothing outside the crop is computed).
// A picture of the right size is copied as it is, and a 1×5000 picture costs no
// more than a 1×1. Catmull-Rom (a = −½, PIL's BICUBIC) keeps the fine texture
// that a triangle filter softens; Lanczos is half as slow again, rings more, and
// its picture differs from this one by less than JPEG at quality 90 does.
package decode
