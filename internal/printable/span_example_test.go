package printable_test

import (
	"fmt"
	"time"

	"alexnet/internal/printable"
)

func ExampleSpan() {
	fmt.Println(printable.Span(42*time.Second), printable.Span(3*time.Hour+5*time.Minute))
	// Output: 42s 3h05m
}
