// Package jpeg decodes JPEG files (ITU-T T.81).
//
// [FastDecoder] decodes the files that nearly all photographs are: sequential,
// Huffman-coded, eight bits, one scan, grey or Y'CbCr. For any other file, and for
// any file in which a bit isn't as it should be, it returns [ErrOther]: a decoder
// that knows all kinds, and how to judge a damaged one, then has to look at it.
//
// The arithmetic is libjpeg's: its accurate integer DCT ("islow") here, its
// chroma interpolation and colour matrix in package resample; so the pixels are
// those of libjpeg-turbo to the bit. It is faster than that: Huffman decoding,
// three quarters of the work, looks up length, run and size of a coefficient at
// once in bytes that were freed of stuffing before, and only what the caller
// wants to see of the picture is transformed.
//
// On amd64 with AVX2 the DCT runs in assembly (not with the noasm build tag), and
// gives the same bytes as the Go code.
package jpeg
