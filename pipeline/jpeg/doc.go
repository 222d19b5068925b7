// Package jpeg is the JPEG decoder (ITU-T T.81) of the whole module: of sharding,
// loading, verifying and classifying. Its one policy decides which decoder takes a
// file, and what an error means.
//
// # Decoders
//
// A file is given to these, in this order, until one takes it:
//
//  1. The fast decoder takes what nearly all photographs are: sequential,
//     Huffman-coded, eight bits, one scan, grey or three components, 4:4:4, 4:2:2,
//     4:4:0 or 4:2:0. It leaves to others any file in which a bit isn't as it should
//     be.
//  2. libjpeg-turbo (package turbojpeg), where it is wanted and the machine has it,
//     takes the rest, arithmetic coding included, and lossless files from its
//     version 3 on. A picture that it warns of is not taken: it warns of much that
//     does no harm.
//  3. The general decoder takes every Huffman-coded file of 8 or 12 bits that is based
//     on the DCT: progressive, several scans, any sampling factors from 1 to 4, CMYK
//     and YCCK, restarts, a height that comes late (DNL), no Huffman tables. It
//     judges what is wrong with a file.
//
// The decoders are lenient: bytes that belong to no segment, a scan header's
// parameters that mean nothing, unknown Adobe transforms and JFIF versions, fill
// bytes, data behind the end, and an end that is missing behind the last
// pixel do no harm. Data that are missing or impossible make a file [Cut] or
// [Damaged]. A whole file of a kind that is not decoded is [Unsupported], and named.
//
// # Pixels
//
// All three give the same pixels, to the bit: libjpeg's, with its accurate integer DCT
// ("islow"), its interpolation of chroma that is subsampled by two, and its repetition
// for other subsampling. Pillow has the same pixels. One exception is a progressive
// file whose scans leave out bits of coefficients, as no usual encoder's do: there
// libjpeg-turbo smooths blocks, and the general decoder doesn't. CMYK is taken as
// inverted, as Pillow takes it.
//
// The fast decoder is faster than libjpeg-turbo: Huffman decoding, three quarters of
// the work, looks up length, run and size of a coefficient at once in bytes that
// were freed of stuffing before, and only what the caller wants to see of the
// picture is transformed. On amd64 with AVX2, Huffman decoding, the DCT, the
// interpolation and the colours run in assembly (not with the noasm build tag), and give
// the same bytes as the Go code; with AVX-512 the DCT takes four blocks at once. The
// assembly looks up two coefficients at once, with their values, where codes and values
// fit.
package jpeg
