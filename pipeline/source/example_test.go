package source_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"alexnet/pipeline/source"
)

func ExampleOpen() {
	root, err := os.MkdirTemp("", "pictures")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	for _, name := range []string{"tench/1.JPEG", "tench/2.JPEG", "church/1.JPEG"} {
		p := filepath.Join(root, name)
		os.MkdirAll(filepath.Dir(p), 0o777)
		os.WriteFile(p, []byte("…"), 0o666)
	}
	src, err := source.Open(context.Background(), root, source.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close()
	for _, it := range src.Items() {
		fmt.Println(it.Label, it.Name)
	}
	// Output:
	// 0 church/1.JPEG
	// 1 tench/1.JPEG
	// 1 tench/2.JPEG
}
