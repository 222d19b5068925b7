package remote_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"alexnet/pipeline/mds"
	"alexnet/pipeline/remote"
)

// A shard behind a web server is read like one on this machine.
func Example() {
	origin, cache := tempDir(), tempDir()
	defer os.RemoveAll(origin)
	defer os.RemoveAll(cache)
	w, err := mds.NewWriter(origin, mds.WriterConfig{Columns: []mds.Column{{Name: "word", Encoding: "str"}}, Hashes: []string{"xxh64"}})
	check(err)
	check(w.Write([]byte("ostrich")))
	shards, err := w.Finish()
	check(err)
	check((&mds.Index{Version: mds.Version, Shards: shards}).Write(origin))
	server := httptest.NewServer(http.FileServer(http.Dir(origin)))
	defer server.Close()

	folder, err := remote.Open(context.Background(), server.URL, remote.Config{Cache: cache, CacheSize: 1 << 30})
	check(err)
	defer folder.Close()
	dir, local, err := folder.Fetch(context.Background(), &folder.Index().Shards[0])
	check(err)
	shard, err := mds.OpenShard(dir, local)
	check(err)
	defer shard.Close()
	word, err := shard.Column(0, 0)
	check(err)
	fmt.Printf("%s\n", word)
	// Output:
	// ostrich
}

func tempDir() string {
	dir, err := os.MkdirTemp("", "remote-example-*")
	check(err)
	return dir
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
