// Package file reads and writes files that a stranger may have prepared.
//
// Reading accepts regular files only, up to a stated size. A named pipe, a device, a
// socket or a folder is refused at once; the reader never waits for it. Writing gives
// a file its name when it is complete and on the disk. It follows no link, and
// replaces regular files only. A lock ends with its process.
//
// Errors name the file. Names with characters that a terminal would act on are
// quoted.
package file
