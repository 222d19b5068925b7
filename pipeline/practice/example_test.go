package practice_test

import (
	"fmt"
	"strings"

	"alexnet/pipeline/practice"
)

func Example() {
	fmt.Println(strings.Join(practice.Classes(), " "))
	fmt.Println(practice.Picture(1, 0, 0).Bounds())
	// Output:
	// bricks checks crosses dots rings scales stripes triangles waves weave
	// (0,0)-(431,308)
}
