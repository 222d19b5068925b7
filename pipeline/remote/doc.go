// Package remote brings shards from object stores and web servers to a cache on
// this machine, where they are read as local ones are.
//
//	s3://bucket/prefix     Amazon S3 and what speaks its protocol
//	gs://bucket/prefix     Google Cloud Storage
//	https://host/path      any web server; http:// too
//
// A Folder has the index of such a place, and fetches a shard when it is asked for it:
// it checks the hashes that the index has of it, unpacks it if it is compressed, and
// only then gives it its name in the cache. A broken transfer continues where it
// stopped. A stalled one is given up and requested again, after growing pauses.
//
// The cache is bounded: the shards that were used longest ago make room for new
// ones. Several processes may share it; each shard is fetched once.
package remote
