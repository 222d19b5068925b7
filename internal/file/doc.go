// Package file reads and writes files that strangers may have prepared.
//
// Reading takes regular files only, and no more of them than a stated limit: a
// named pipe, a device, a socket or a folder is refused at once, by its name,
// and never waited for. Writing gives a file its name when it is whole and on
// the disk, follows no link that lies in the way, and replaces regular files
// only. Locks go with the process that holds them.
//
// Errors name the file; names are quoted where they hold characters that a
// terminal would act on.
package file
