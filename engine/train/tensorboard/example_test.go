package tensorboard_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"alexnet/engine/train/tensorboard"
)

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	w, err := tensorboard.Create(dir, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = w.Write(20, time.Now(), tensorboard.Scalar{Tag: "loss", Value: 2.3})
	fmt.Println(err, w.Close())
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	fmt.Println(len(names), strings.HasPrefix(filepath.Base(names[0]), "events.out.tfevents."))
	// Output:
	// <nil> <nil>
	// 1 true
}
