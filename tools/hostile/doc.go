//go:build linux

// Package hostile tries to hurt the built commands: it kills them at random moments,
// feeds them decoding bombs and dripping sockets, plants libraries and links, fills
// disks and takes memory away, and looks at what is left. What is promised, and what
// was tried, stands in docs/reliability.md; make check-hostile runs it.
package hostile
