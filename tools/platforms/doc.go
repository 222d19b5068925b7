// Package platforms holds the test that runs the commands as other systems'
// machines would: Windows' under wine64, static ones alone in an empty root folder,
// arm64's under qemu. Shards, statistics, checkpoints and exported nets have to be
// the same bytes as those of this machine, or on arm64 the same but for rounding.
// make try-platforms runs it.
package platforms
