// Package turbojpeg decodes and encodes JPEG with libjpeg-turbo, where the
// machine has it, without cgo: the library is found when the program runs, and
// a program that doesn't find it is told so by [Available] and goes on with
// image/jpeg, at about a quarter of the speed.
//
// The library is looked for at $ALEXNET_TURBOJPEG if that is set (and nowhere
// else then), by its soname through the dynamic linker (LD_LIBRARY_PATH, the
// linker's cache), and in the usual folders; a path is absolute, and
// neither it nor a folder on the way can be written by others. TurboJPEG 2 and 3 both work: only
// functions that exist in both are called, with the flags of 2.
// Documentation: https://libjpeg-turbo.org/Documentation/Documentation.
//
// Decoding uses the accurate integer DCT and smooth ("fancy") chroma upsampling,
// libjpeg's defaults and so PIL's. A file with too little data is an error, not
// a picture that is half grey.
package turbojpeg
