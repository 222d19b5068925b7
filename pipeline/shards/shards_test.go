package shards

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/internal/setting"
)

func TestAbsolute(t *testing.T) {
	here, err := filepath.Abs("shards")
	if err != nil {
		t.Fatal(err)
	}
	for place, want := range map[string]string{
		"shards":                    here,
		"s3://bucket/a":             "s3://bucket/a",
		"https://host/a/?sig=x%2Fy": "https://host/a/?sig=x%2Fy",
	} {
		if got, err := Absolute(place); got != want || err != nil {
			t.Errorf("Absolute(%q) = %q, %v; want %q", place, got, err, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for size, ok := range map[string]bool{"": true, DefaultCacheSize: true, "10GB": true, "0": false, "much": false} {
		a := Access{CacheSize: size}
		err := a.Validate()
		if (err == nil) != ok || err != nil && !setting.Invalid(err) {
			t.Errorf("cache-size %q: %v", size, err)
		}
	}
}

func TestOpenPath(t *testing.T) {
	var a Access
	dir := t.TempDir()
	if _, err := a.Open(t.Context(), dir, nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v, want that of a folder without shards", err)
	}
}
