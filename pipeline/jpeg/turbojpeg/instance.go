package turbojpeg

import (
	"fmt"
	"runtime"

	"alexnet/internal/dynlib"
)

// instance is a handle of the library, with the state of its calls. It is part of a
// Decoder or an Encoder.
type instance struct {
	lib    *library
	handle uintptr  // 0 once closed
	held   *uintptr // the same, for the garbage collector
	clean  runtime.Cleanup
	pin    runtime.Pinner // of memory that a call's arguments point to
	args   [11]uintptr
}

// oneThread keeps the goroutine on its thread until the returned function is called.
// libjpeg-turbo 2 keeps a warning's text per thread, so a call and the request for its
// text must run on one thread.
func oneThread() (release func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

// open creates the handle by calling initialize.
func (in *instance) open(lib *library, initialize uintptr) error {
	defer oneThread()()
	in.lib = lib
	in.handle = call(initialize)
	if in.handle == 0 {
		return fmt.Errorf("turbojpeg: no handle: %s", dynlib.String(call(lib.errorText, 0)))
	}
	in.held = new(uintptr)
	*in.held = in.handle
	in.clean = runtime.AddCleanup(in, func(held *uintptr) { call(lib.destroy, *held) }, in.held)
	return nil
}

// renew replaces the handle by a new one.
func (in *instance) renew(initialize uintptr) error {
	handle := call(initialize)
	if handle == 0 {
		return fmt.Errorf("turbojpeg: no handle: %s", dynlib.String(call(in.lib.errorText, 0)))
	}
	in.call(in.lib.destroy)
	in.handle, *in.held = handle, handle
	runtime.KeepAlive(in)
	return nil
}

// Close frees the library's memory. What is dropped unclosed is freed by the
// garbage collector.
func (in *instance) Close() {
	if in.handle != 0 {
		in.clean.Stop()
		call(in.lib.destroy, in.handle)
		in.handle = 0
	}
}

// call calls a function with the handle and args, and returns its int. It copies args so
// that they stay off the heap.
func (in *instance) call(function uintptr, args ...uintptr) int {
	in.args[0] = in.handle
	n := 1 + copy(in.args[1:], args)
	result := int32(call(function, in.args[:n]...))
	runtime.KeepAlive(in)
	return int(result)
}

// errorText returns the library's message about the last call, which must have been made
// on this thread.
func (in *instance) errorText() string {
	text := dynlib.String(call(in.lib.errorText, in.handle))
	runtime.KeepAlive(in)
	return text
}

// onlyWarned reports whether the last call, which failed, only warned.
func (in *instance) onlyWarned() bool {
	return in.lib.errorCode != 0 && in.call(in.lib.errorCode) == errorWarning
}
