// Package tiff reads TIFF structures (TIFF 6.0, its supplements, BigTIFF): the
// directory of fields that TIFF files and EXIF data have in common, and the first
// picture of a TIFF file.
//
// [Decode] reads strips and tiles, samples together or in planes, in both byte
// orders and both orders of bits, uncompressed and as PackBits, LZW, deflate, zstd,
// CCITT fax (1-D, 2-D, group 4) and JPEG, with either predictor: bilevel, grey,
// palettes, RGB, CMYK, YCbCr and L*a*b*, and any number of further samples.
//
// # From samples to bytes
//
// The rules are Pillow's, with these differences. Of integers of more than 8 bits
// the highest 8 count, where Pillow limits grey ones to 255. Of signed integers of
// more than 8 bits, those below 0 are black and the largest is white.
// Floating-point numbers are black at 0, and white at 1 if none in the picture is
// above 1, else at 255, where Pillow takes 255 always. Grey whose 0 is white is
// turned around for any number of bits. Stated YCbCr coefficients are heeded.
package tiff
