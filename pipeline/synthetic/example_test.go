package synthetic_test

import (
	"fmt"
	"strings"

	"alexnet/pipeline/synthetic"
)

func Example() {
	fmt.Println(strings.Join(synthetic.Classes(), " "))
	fmt.Println(synthetic.Picture(1, 0, 0).Bounds())
	// Output:
	// bricks checks crosses dots rings scales stripes triangles waves weave
	// (0,0)-(431,308)
}
