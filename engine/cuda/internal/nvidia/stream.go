package nvidia

import (
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
)

// Flags of streams, events and captures.
const (
	streamNonBlocking   = 1 // CU_STREAM_NON_BLOCKING: apart from the default stream
	eventBlockingSync   = 1 // CU_EVENT_BLOCKING_SYNC: a thread that waits sleeps
	eventDisableTiming  = 2 // CU_EVENT_DISABLE_TIMING
	captureThreadLocal  = 1 // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
	launchEnd           = 0 // CU_LAUNCH_PARAM_END
	launchBuffer        = 1 // CU_LAUNCH_PARAM_BUFFER_POINTER
	launchBufferSize    = 2 // CU_LAUNCH_PARAM_BUFFER_SIZE
	maxParams           = 4096
	attributeMaxDynamic = 8 // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
	sharedByDefault     = 48 << 10
)

// stream is a CUstream, with the memory for its launches.
type stream struct {
	device *device
	handle uintptr
	dnn    uintptr // cudnnHandle_t of this stream, made at its first use

	extra  [5]uintptr // cuLaunchKernel's parameters as one buffer
	size   uintptr
	params [maxParams]byte
}

func (d *device) NewStream() (gpu.Stream, error) {
	s := &stream{device: d}
	if err := d.lib.check("cuStreamCreate", call(d.lib.driver.streamCreate, address(&s.handle), streamNonBlocking)); err != nil {
		return nil, err
	}
	s.extra = [5]uintptr{launchBuffer, address(&s.params), launchBufferSize, address(&s.size), launchEnd}
	return s, nil
}

func (s *stream) CopyIn(dst gpu.Pointer, src []byte) error {
	if len(src) == 0 {
		return nil
	}
	a := &s.device.lib.driver
	err := s.device.lib.check("cuMemcpyHtoDAsync", call(a.memcpyHtoD, uintptr(dst), uintptr(unsafe.Pointer(unsafe.SliceData(src))), uintptr(len(src)), s.handle))
	runtime.KeepAlive(src)
	return err
}

func (s *stream) CopyOut(dst []byte, src gpu.Pointer) error {
	if len(dst) == 0 {
		return nil
	}
	a := &s.device.lib.driver
	err := s.device.lib.check("cuMemcpyDtoHAsync", call(a.memcpyDtoH, uintptr(unsafe.Pointer(unsafe.SliceData(dst))), uintptr(src), uintptr(len(dst)), s.handle))
	runtime.KeepAlive(dst)
	return err
}

func (s *stream) Copy(dst, src gpu.Pointer, bytes int64) error {
	if bytes == 0 {
		return nil
	}
	return s.device.lib.check("cuMemcpyDtoDAsync", call(s.device.lib.driver.memcpyDtoD, uintptr(dst), uintptr(src), uintptr(bytes), s.handle))
}

// CopyFrom copies directly where the cards reach each other; otherwise the
// driver brings the bytes through the host, still in the stream's order.
func (s *stream) CopyFrom(dst, src gpu.Pointer, from gpu.Device, bytes int64) error {
	other, ok := from.(*device)
	if !ok {
		return fmt.Errorf("copy from a %T: %w", from, gpu.ErrUnsupported)
	}
	if other.context == s.device.context || bytes == 0 {
		return s.Copy(dst, src, bytes)
	}
	return s.device.lib.check("cuMemcpyPeerAsync", call(s.device.lib.driver.memcpyPeer,
		uintptr(dst), s.device.context, uintptr(src), other.context, uintptr(bytes), s.handle))
}

func (s *stream) Fill(dst gpu.Pointer, value byte, bytes int64) error {
	if bytes == 0 {
		return nil
	}
	return s.device.lib.check("cuMemsetD8Async", call(s.device.lib.driver.memsetD8, uintptr(dst), uintptr(value), uintptr(bytes), s.handle))
}

// Launch copies params, so that the caller may use them again.
func (s *stream) Launch(k gpu.Kernel, l gpu.Launch, params []byte) error {
	f := k.(*kernel)
	if len(params) > maxParams {
		return fmt.Errorf("kernel %s: %d bytes of parameters: want at most %d", f.name, len(params), maxParams)
	}
	if err := f.allow(l.Shared); err != nil {
		return err
	}
	s.size = uintptr(copy(s.params[:], params))
	result := call(s.device.lib.driver.launchKernel, f.handle,
		uintptr(l.Grid[0]), uintptr(l.Grid[1]), uintptr(l.Grid[2]),
		uintptr(l.Block[0]), uintptr(l.Block[1]), uintptr(l.Block[2]),
		uintptr(l.Shared), s.handle, 0, uintptr(unsafe.Pointer(&s.extra)))
	runtime.KeepAlive(s)
	if int32(result) == 0 {
		return nil
	}
	e := s.device.lib.failure("cuLaunchKernel", int(int32(result)))
	e.Text = fmt.Sprintf("%s, grid %v, block %v: %s", f.name, l.Grid, l.Block, e.Text)
	return e
}

func (s *stream) Record(e gpu.Event) error {
	return s.device.lib.check("cuEventRecord", call(s.device.lib.driver.eventRecord, e.(*event).handle, s.handle))
}

func (s *stream) Wait(e gpu.Event) error {
	return s.device.lib.check("cuStreamWaitEvent", call(s.device.lib.driver.streamWaitEvent, s.handle, e.(*event).handle, 0))
}

// Capture collects what this thread enqueues until Captured. A stream that has
// convolved gets its cuDNN handle before, since making one allocates, which a
// capture refuses.
func (s *stream) Capture() error {
	if s.device.convolves.Load() {
		if _, err := s.convolver(); err != nil {
			return err
		}
	}
	return s.device.lib.check("cuStreamBeginCapture", call(s.device.lib.driver.streamBegin, s.handle, captureThreadLocal))
}

func (s *stream) Captured() (gpu.Graph, error) {
	lib, a := s.device.lib, &s.device.lib.driver
	var collected uintptr
	if err := lib.check("cuStreamEndCapture", call(a.streamEnd, s.handle, address(&collected))); err != nil {
		return nil, err
	}
	g := &graph{device: s.device}
	err := lib.check("cuGraphInstantiateWithFlags", call(a.graphInstantiate, address(&g.handle), collected, 0))
	err = errors.Join(err, lib.check("cuGraphDestroy", call(a.graphDestroy, collected)))
	if err == nil && a.graphUpload != 0 {
		err = lib.check("cuGraphUpload", call(a.graphUpload, g.handle, s.handle))
	}
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

func (s *stream) Replay(g gpu.Graph) error {
	return s.device.lib.check("cuGraphLaunch", call(s.device.lib.driver.graphLaunch, g.(*graph).handle, s.handle))
}

func (s *stream) Synchronize() error {
	return s.device.lib.check("cuStreamSynchronize", call(s.device.lib.driver.streamSynchronize, s.handle))
}

func (s *stream) Close() error {
	if s.handle == 0 {
		return nil
	}
	var err error
	if s.dnn != 0 {
		err = s.device.lib.checkDNN("cudnnDestroy", call(s.device.lib.dnn.destroy, s.dnn))
	}
	err = errors.Join(err, s.device.lib.check("cuStreamDestroy", call(s.device.lib.driver.streamDestroy, s.handle)))
	s.handle, s.dnn = 0, 0
	return err
}

// event is a CUevent.
type event struct {
	device *device
	handle uintptr
}

func (d *device) NewEvent(timed bool) (gpu.Event, error) {
	e := &event{device: d}
	flags := uintptr(eventDisableTiming | eventBlockingSync) // a sleeping wait leaves the core to decoding
	if timed {
		flags = 0
	}
	if err := d.lib.check("cuEventCreate", call(d.lib.driver.eventCreate, address(&e.handle), flags)); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *event) Synchronize() error {
	return e.device.lib.check("cuEventSynchronize", call(e.device.lib.driver.eventSynchronize, e.handle))
}

func (e *event) Passed() (bool, error) {
	result := call(e.device.lib.driver.eventQuery, e.handle)
	if int32(result) == codeNotReady {
		return false, nil
	}
	return int32(result) == 0, e.device.lib.check("cuEventQuery", result)
}

func (e *event) Since(begin gpu.Event) (time.Duration, error) {
	var ms float32
	err := e.device.lib.check("cuEventElapsedTime", call(e.device.lib.driver.eventElapsed, address(&ms), begin.(*event).handle, e.handle))
	return time.Duration(float64(ms) * float64(time.Millisecond)), err
}

func (e *event) Close() error {
	if e.handle == 0 {
		return nil
	}
	err := e.device.lib.check("cuEventDestroy", call(e.device.lib.driver.eventDestroy, e.handle))
	e.handle = 0
	return err
}

// graph is a CUgraphExec.
type graph struct {
	device *device
	handle uintptr
}

func (g *graph) Close() error {
	if g.handle == 0 {
		return nil
	}
	err := g.device.lib.check("cuGraphExecDestroy", call(g.device.lib.driver.graphExecDestroy, g.handle))
	g.handle = 0
	return err
}
