package command

import "sync/atomic"

// stopping returns what a stopped command still finishes.
var stopping atomic.Pointer[func() string]

// WhenStopping makes Ctrl-C print what is being finished, such as "finishing this
// step, about 10 s", until the returned function is called. Another goroutine calls
// say; "" prints nothing.
func WhenStopping(say func() string) (end func()) {
	stopping.Store(&say)
	return func() { stopping.CompareAndSwap(&say, nil) }
}

// stoppingLine returns the message after Ctrl-C.
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
