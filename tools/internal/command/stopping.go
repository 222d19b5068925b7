package command

import "sync/atomic"

// stopping says what is being finished when a command is stopped.
var stopping atomic.Pointer[func() string]

// WhenStopping makes Ctrl-C print what is being finished, such as "finishing this
// step, about 10 s", until the returned function is called. Another goroutine calls
// say; "" prints nothing.
func WhenStopping(say func() string) (end func()) {
	stopping.Store(&say)
	return func() { stopping.CompareAndSwap(&say, nil) }
}

// stoppingLine returns the line that Ctrl-C prints.
func stoppingLine() string {
	what := ""
	if say := stopping.Load(); say != nil {
		what = (*say)()
	}
	if what != "" {
		what = ": " + what
	}
	return "stopping" + what + "; once more to quit at once"
}
