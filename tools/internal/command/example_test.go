package command_test

import (
	"fmt"
	"time"

	"alexnet/tools/internal/command"
)

func ExampleSpan() {
	fmt.Println(command.Span(42*time.Second), command.Span(3*time.Hour+5*time.Minute))
	// Output: 42s 3h05m
}
