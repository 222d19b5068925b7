package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/augment"
	"alexnet/engine/train"
)

// TestRemoteShards trains, resumes, evaluates and reports from shards behind a
// web server, with the weights that the same shards in a folder give.
func TestRemoteShards(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(http.FileServer(http.Dir(w.dir)))
	defer server.Close()
	address := func(folder string) string {
		path, err := filepath.Rel(w.dir, folder)
		if err != nil {
			t.Fatal(err)
		}
		return server.URL + "/" + filepath.ToSlash(path)
	}
	cache := []string{"--cache-dir", filepath.Join(w.dir, "cache"), "--cache-size", "1MiB"}
	local, far := filepath.Join(w.dir, "local"), filepath.Join(w.dir, "far")
	more := []string{"--epochs", "2", "--mean", "imagenet"}
	recorded := []string{`"shuffle": "shards"`, `"cache-size": "1MiB"`, `"train": "` + server.URL}
	for _, k := range augment.Kinds {
		more = append(more, "--"+k.Name, k.Example)
		recorded = append(recorded, fmt.Sprintf("%q: %q", k.Name, k.Example))
	}
	call(append(append(w.args(local), more...), "--shuffle", "shards")...).must(t, 0)
	args := append(append(w.args(far), more...), cache...)
	args = append(args, "--train", address(w.train), "--val", address(w.val))
	call(append(args, "--steps", "7")...).must(t, 0)
	call("train-alexnet", "--run", far, "--resume", "--steps", "0").must(t, 0)
	best := "checkpoints/step-000000020.safetensors"
	exists(t, filepath.Join(far, best))
	for _, word := range recorded {
		if !strings.Contains(read(t, filepath.Join(far, train.RecordName)), word) {
			t.Errorf("run.json lacks %s", word)
		}
	}
	got := call(append([]string{"train-alexnet", "eval", "--json", "--checkpoint", filepath.Join(far, best), "--data", address(w.val)}, cache...)...)
	want := call("train-alexnet", "eval", "--json", "--checkpoint", filepath.Join(local, best), "--data", w.val)
	got.must(t, 0)
	want.must(t, 0)
	if got.stdout != want.stdout {
		t.Errorf("trained from a server %s, from the folder %s", got.stdout, want.stdout)
	}
	call("train-alexnet", "report", "--run", far).must(t, 0)
}
