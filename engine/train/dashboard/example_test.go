package dashboard_test

import (
	"fmt"
	"strings"

	"alexnet/engine/train/dashboard"
)

func Example() {
	s, err := dashboard.Listen(":0", "runs/first")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.HasPrefix(s.URL(), "http://127.0.0.1:"))
	fmt.Println(s.Publish(map[string]any{"split": "train", "step": 20, "loss": 2.3}))
	fmt.Println(s.Close())
	// Output:
	// true
	// <nil>
	// <nil>
}
