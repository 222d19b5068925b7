package plaintext_test

import (
	"fmt"

	"alexnet/internal/plaintext"
)

func ExampleBytes() {
	text, err := plaintext.Bytes([]byte(plaintext.Mark + "seed: 7"))
	fmt.Println(string(text), err)
	// Output: seed: 7 <nil>
}
