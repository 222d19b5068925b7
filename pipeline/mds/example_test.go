package mds_test

import (
	"fmt"
	"log"
	"os"

	"alexnet/pipeline/mds"
)

func Example() {
	dir, err := os.MkdirTemp("", "shards")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	w, err := mds.NewWriter(dir, mds.WriterConfig{
		Columns: []mds.Column{{Name: "label", Encoding: "int"}, {Name: "name", Encoding: "str"}},
		Hashes:  []string{"xxh64"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for label, name := range []string{"tench", "golf ball"} {
		if err := w.Write(mds.AppendInt(nil, int64(label)), []byte(name)); err != nil {
			log.Fatal(err)
		}
	}
	shards, err := w.Finish()
	if err != nil {
		log.Fatal(err)
	}
	index := mds.Index{Version: mds.Version, Shards: shards}
	if err := index.Write(dir); err != nil {
		log.Fatal(err)
	}

	shard, err := mds.OpenShard(dir, shards[0])
	if err != nil {
		log.Fatal(err)
	}
	defer shard.Close()
	name, err := shard.Column(1, shards[0].Column("name"))
	fmt.Printf("%d samples, hashes right: %t\n", shard.Len(), shard.Verify() == nil)
	fmt.Printf("%s %v\n", name, err)
	// Output:
	// 2 samples, hashes right: true
	// golf ball <nil>
}
