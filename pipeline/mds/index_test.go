package mds

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// smallIndex is one that MosaicML's writer made for TestGolden's samples, with a
// key of ours.
const smallIndex = `{"alexnet": {"format_version": 1}, "shards": [{"column_encodings": ["jpeg", "int"], ` +
	`"column_names": ["x", "y"], "column_sizes": [null, 8], "compression": null, "format": "mds", ` +
	`"hashes": [], "raw_data": {"basename": "shard.00000.mds", "bytes": 227, "hashes": {}}, "samples": 2, ` +
	`"size_limit": null, "version": 2, "zip_data": null}], "version": 2}`

func TestIndexBytes(t *testing.T) {
	x, err := ParseIndex([]byte(smallIndex))
	if err != nil {
		t.Fatal(err)
	}
	x.Extra["aaa"] = json.RawMessage("[ 1,\n2 ]")
	const want = `{
"aaa": [1,2],
"alexnet": {"format_version":1},
"shards": [
{"column_encodings":["jpeg","int"],"column_names":["x","y"],"column_sizes":[null,8],"compression":null,"format":"mds",` +
		`"hashes":[],"raw_data":{"basename":"shard.00000.mds","bytes":227,"hashes":{}},"samples":2,` +
		`"size_limit":null,"version":2,"zip_data":null}
],
"version": 2
}
`
	dir := t.TempDir()
	for range 2 { // the second replaces the first
		if err := x.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil || string(got) != want {
		t.Errorf("index is %s, %v; want %s", got, err, want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files, %v; want only the index", len(entries), err)
	}
}

func TestIndexErrors(t *testing.T) {
	for _, test := range []struct {
		name, old, new, want string
	}{
		{"not JSON", smallIndex, "PK", "not an index: invalid character 'P'"},
		{"cut", smallIndex, smallIndex[:200], "not an index: unexpected end of JSON input"},
		{"no shards", `"shards"`, `"shreds"`, `not an index: no "shards"`},
		{"version", `"version": 2}`, `"version": 3}`, "index version 3, want 2"},
		{"shard version", `"version": 2, "zip`, `"version": 1, "zip`, `shard 0: format "mds" version 1, want "mds" version 2`},
		{"format", `"mds", "`, `"csv", "`, `shard 0: format "csv"`},
		{"columns", `["jpeg", "int"]`, `["jpeg"]`, "shard 0: 2 column names, 1 encodings, 2 sizes"},
		{"order", `["x", "y"]`, `["y", "x"]`, "shard 0: columns are not sorted by name"},
		{"twice", `["x", "y"]`, `["x", "x"]`, `shard 0: column "x" is there twice`},
		{"column size", `[null, 8]`, `[null, 4]`, `shard 0: column "y": size 4, but encoding "int" takes 8`},
		{"ndarray", `"jpeg"`, `"ndarray:uint8:0,3"`, `dimension "0" is not a positive number`},
		{"huge ndarray", `"jpeg"`, `"ndarray:uint8:65536,65536"`, "larger than a shard may be"},
		{"dtype", `"jpeg"`, `"ndarray:complex:2"`, `unknown dtype "complex"`},
		{"samples", `"samples": 2`, `"samples": 0`, "shard 0: 0 samples"},
		{"bytes", `"bytes": 227`, `"bytes": -1`, `"shard.00000.mds" has -1 bytes`},
		{"too many bytes", `"bytes": 227`, `"bytes": 4294967296`, "4294967296 bytes, more than a shard may have"},
		{"outside", `"shard.00000.mds"`, `"../shard.00000.mds"`, `"../shard.00000.mds" is not the name of a file in this folder`},
		{"absolute", `"shard.00000.mds"`, `"/etc/passwd"`, `"/etc/passwd" is not the name`},
		{"zip without name", `"compression": null`, `"compression": "zstd:3"`, `compression "zstd:3", but zip_data is there: false`},
		{"sample limit", `"size_limit": null`, `"size_limit": -5`, "size limit -5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "index.json")
			text := strings.Replace(smallIndex, test.old, test.new, 1)
			if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			_, err := ReadIndex(dir)
			if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %s: … %s", err, path, test.want)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := ReadIndex(missing); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing+": ") {
		t.Errorf("no folder: %v", err)
	}
	around := t.TempDir()
	if err := os.Mkdir(filepath.Join(around, "val"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(around, "val", IndexName), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadIndex(around); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), filepath.Join(around, "val")+" has: give that folder") {
		t.Errorf("the folder around shards: %v", err)
	}
	if _, err := ReadIndex(t.TempDir()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "has no index.json") {
		t.Errorf("no index: %v", err)
	}
	x, err := ParseIndex([]byte(smallIndex))
	if err != nil {
		t.Fatal(err)
	}
	x.Shards = append(x.Shards, x.Shards[0])
	if err := x.Write(t.TempDir()); err == nil || !strings.Contains(err.Error(), `"shard.00000.mds" is listed twice`) {
		t.Errorf("shard listed twice: %v", err)
	}
}

// FuzzIndex reads indexes that may hold anything; those that are accepted are
// written and read again.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(smallIndex))
	f.Add([]byte(strings.Replace(smallIndex, "null", `"zstd:3"`, 1)))
	f.Add([]byte(`{"shards":[],"version":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := ParseIndex(data)
		if err != nil {
			return
		}
		once, err := x.encode()
		if err != nil {
			t.Fatalf("read, but not written: %v", err)
		}
		if x, err = ParseIndex(once); err != nil {
			t.Fatalf("written, but not read: %v", err)
		}
		twice, err := x.encode()
		if err != nil || string(once) != string(twice) {
			t.Fatalf("written as %s, then as %s, %v", once, twice, err)
		}
	})
}
