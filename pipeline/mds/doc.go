// Package mds reads and writes MosaicML Streaming's shard format, MDS version
// 2, byte for byte: a folder of shards (many samples in one file) and an
// index.json that lists them. docs/shard-format.md boxes the bytes; the
// constants there and here share their names.
//
// A Writer turns samples into shards, an Index lists them, and a Shard gives
// any sample of one file back without copying. Nothing half-written is ever
// seen: shards and index are written under a temporary name, synced and then
// renamed.
//
// Everything read from disk is checked before use. Damage is reported as a
// *CorruptError that names shard, sample and byte offset; no input makes the
// package panic.
package mds
