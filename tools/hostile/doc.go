//go:build linux

// Package hostile attacks the built commands: it kills them at random moments, feeds
// them decoding bombs and slow connections, plants libraries and links, fills disks
// and limits memory, and then checks the results. docs/reliability.md lists the
// promises and the attacks; make check-hostile runs them.
package hostile
