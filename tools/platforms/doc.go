// Package platforms tests the commands in the environment of other systems: Windows
// under wine64, static binaries alone in an empty root folder, arm64 under qemu.
// Shards, statistics, checkpoints and exported nets must have the same bytes as on
// this machine, on arm64 except for rounding. make try-platforms runs it.
package platforms
