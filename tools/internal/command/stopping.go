package command

import "sync/atomic"

// stopping says what is being finished when a command is stopped.
var stopping atomic.Pointer[func() string]

// WhenStopping has what Ctrl-C prints say what is being finished, such as "finishing
// this step, about 10 s", until the function that it returns is called. say is called by
// another goroutine; "" is nothing to tell.
func WhenStopping(say func() string) (end func()) {
	stopping.Store(&say)
	return func() { stopping.CompareAndSwap(&say, nil) }
}

// stoppingLine is what Ctrl-C prints.
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
