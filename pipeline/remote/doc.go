// Package remote copies shards from object stores and web servers to a cache on this
// machine. From there they are read like local shards.
//
//	s3://bucket/prefix     Amazon S3 and what speaks its protocol
//	gs://bucket/prefix     Google Cloud Storage
//	https://host/path      any web server; http:// too
//
// A Folder holds the index of such a place and fetches shards on request. It checks a
// shard's hashes against the index, unpacks the shard if it is compressed, and only
// then gives the file its name in the cache. A broken transfer continues where it
// stopped. A stalled transfer is cancelled and requested again, after pauses that grow.
//
// The cache has a size limit: the least recently used shards are removed to make room
// for new ones. Several processes may share the cache; each shard is fetched once.
package remote
