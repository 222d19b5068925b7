package source_test

import (
	"archive/tar"
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

// The validation archive of ILSVRC 2012 is a flat tar; the labels are in the
// development kit, by ids in an order of its own.
func ExampleOpen_archive() {
	root, err := os.MkdirTemp("", "imagenet")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	archive := filepath.Join(root, "ILSVRC2012_img_val.tar")
	f, err := os.Create(archive)
	if err != nil {
		fmt.Println(err)
		return
	}
	w := tar.NewWriter(f)
	for n := 1; n <= 10; n++ {
		w.WriteHeader(&tar.Header{Name: fmt.Sprintf("ILSVRC2012_val_%08d.JPEG", n), Mode: 0o644, Size: 1})
		w.Write([]byte("…")[:1])
	}
	w.Close()
	f.Close()

	found, err := source.Detect(archive)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found.Layout+": it", found.Reason)
	src, err := source.Open(context.Background(), archive, source.Options{Split: "val", Devkit: "testdata/devkit"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close()
	for _, it := range src.Items()[:3] {
		fmt.Println(it.Name, src.Classes()[it.Label].ID, src.Classes()[it.Label].Name)
	}
	// Output:
	// ilsvrc: it is a tar of validation pictures, starting with ILSVRC2012_val_00000001.JPEG
	// ILSVRC2012_val_00000003.JPEG n01440764 tench, Tinca tinca
	// ILSVRC2012_val_00000006.JPEG n01440764 tench, Tinca tinca
	// ILSVRC2012_val_00000005.JPEG n02102040 English springer, English springer spaniel
}

func ExampleDivide() {
	root, err := os.MkdirTemp("", "pictures")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	for _, class := range []string{"church", "tench"} {
		os.Mkdir(filepath.Join(root, class), 0o777)
		for n := range 10 {
			os.WriteFile(filepath.Join(root, class, fmt.Sprint(n, ".jpg")), nil, 0o666)
		}
	}
	for _, split := range []string{"train", "val"} {
		src, err := source.Open(context.Background(), root, source.Options{Split: split, SplitFraction: 0.2, SplitSeed: 1})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer src.Close()
		fmt.Println(split, len(src.Items()))
	}
	// Output:
	// train 16
	// val 4
}
