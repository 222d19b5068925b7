package infer_test

import (
	"context"
	"fmt"
	"log"

	"alexnet/engine/infer"
)

// Classify says what is in a picture file.
func Example() {
	net, err := infer.Open(infer.Config{Checkpoints: []string{"testdata/textures.safetensors"}})
	if err != nil {
		log.Fatal(err)
	}
	defer net.Close()
	guesses, err := net.Classify(context.Background(), "testdata/dots.jpg", 2)
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range guesses {
		fmt.Printf("%2.0f %%  %s\n", 100*g.Probability, g)
	}
	// Output:
	// 93 %  dots
	//  6 %  crosses
}
