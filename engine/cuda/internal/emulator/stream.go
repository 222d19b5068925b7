package emulator

import (
	"fmt"
	"sync"
	"time"

	"alexnet/engine/cuda/internal/gpu"
)

// stream runs tasks in order on a goroutine.
type stream struct {
	device  *Device
	mu      sync.Mutex
	changed *sync.Cond
	tasks   []task
	busy    bool
	closed  bool

	thread  int    // thread that captures, or 0
	capture []task // collected so far
}

// task is one piece of work; name is used in errors.
type task struct {
	name string
	run  func() error
}

// NewStream starts a queue.
func (d *Device) NewStream() (gpu.Stream, error) {
	if err := d.idle("cuStreamCreate", ""); err != nil {
		return nil, err
	}
	s := &stream{device: d}
	s.changed = sync.NewCond(&s.mu)
	d.machine.made("stream", 1)
	go s.serve()
	return s, nil
}

func (s *stream) serve() {
	for {
		s.mu.Lock()
		for len(s.tasks) == 0 && !s.closed {
			s.busy = false
			s.changed.Broadcast()
			s.changed.Wait()
		}
		if len(s.tasks) == 0 {
			s.mu.Unlock()
			return
		}
		t := s.tasks[0]
		s.tasks = s.tasks[1:]
		s.busy = true
		s.mu.Unlock()
		s.device.machine.pause()
		s.execute(t)
	}
}

func (s *stream) execute(t task) {
	if t.name == "" { // events run even on a broken device, so that peers don't hang
		_ = t.run()
		return
	}
	if s.device.failed() != nil {
		return
	}
	err := s.device.machine.called(t.name, "")
	if err == nil {
		err = t.run()
	}
	if err != nil {
		s.device.fail(err)
	}
}

// enqueue adds work, or collects it while capturing.
func (s *stream) enqueue(t task) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return callError("cuStream", 400, nil, "the stream is closed")
	}
	if s.thread != 0 {
		if t.name == "" {
			return callError("cuEventRecord", 900, nil, "an event in a captured graph")
		}
		s.capture = append(s.capture, t)
		return nil
	}
	s.tasks = append(s.tasks, t)
	s.changed.Broadcast()
	return nil
}

// own checks that a range is in this device's memory.
func (s *stream) own(call string, p gpu.Pointer, bytes int64) error {
	if bytes < 0 || !s.device.contains(p, bytes) {
		return callError(call, 1, nil, "%d bytes at %#x are outside every allocation", bytes, uint64(p))
	}
	return nil
}

func (s *stream) CopyIn(dst gpu.Pointer, src []byte) error {
	const call = "cuMemcpyHtoDAsync"
	from := s.device.machine.locked(src)
	if err := s.device.begin(call, fmt.Sprintf(" of %d bytes from host memory %d", len(src), from)); err != nil {
		return err
	}
	if err := s.own(call, dst, int64(len(src))); err != nil {
		return err
	}
	if from == 0 {
		return callError(call, 1, nil, "the source is not page-locked")
	}
	return s.enqueue(task{"copy in", func() error {
		copy(view[byte](dst, len(src)), src)
		return nil
	}})
}

func (s *stream) CopyOut(dst []byte, src gpu.Pointer) error {
	const call = "cuMemcpyDtoHAsync"
	if err := s.device.begin(call, ""); err != nil {
		return err
	}
	if err := s.own(call, src, int64(len(dst))); err != nil {
		return err
	}
	if s.device.machine.locked(dst) == 0 {
		return callError(call, 1, nil, "the destination is not page-locked")
	}
	return s.enqueue(task{"copy out", func() error {
		copy(dst, view[byte](src, len(dst)))
		return nil
	}})
}

func (s *stream) Copy(dst, src gpu.Pointer, bytes int64) error {
	return s.copyFrom("cuMemcpyDtoDAsync", dst, src, s.device, bytes)
}

func (s *stream) CopyFrom(dst, src gpu.Pointer, from gpu.Device, bytes int64) error {
	other, ok := from.(*Device)
	if !ok {
		return callError("cuMemcpyPeerAsync", 1, nil, "a %T is no emulated device", from)
	}
	return s.copyFrom("cuMemcpyPeerAsync", dst, src, other, bytes)
}

func (s *stream) copyFrom(call string, dst, src gpu.Pointer, from *Device, bytes int64) error {
	if err := s.device.begin(call, ""); err != nil {
		return err
	}
	if err := s.own(call, dst, bytes); err != nil {
		return err
	}
	if !from.contains(src, bytes) {
		return callError(call, 1, nil, "the source is not memory of device %d", from.index)
	}
	return s.enqueue(task{"copy", func() error {
		copy(view[byte](dst, int(bytes)), view[byte](src, int(bytes)))
		return nil
	}})
}

func (s *stream) Fill(dst gpu.Pointer, value byte, bytes int64) error {
	const call = "cuMemsetD8Async"
	if err := s.device.begin(call, ""); err != nil {
		return err
	}
	if err := s.own(call, dst, bytes); err != nil {
		return err
	}
	return s.enqueue(task{"fill", func() error {
		v := view[byte](dst, int(bytes))
		for i := range v {
			v[i] = value
		}
		return nil
	}})
}

// Limits of every NVIDIA GPU since compute capability 3.
const (
	maxThreads   = 1024
	maxGridYZ    = 65535
	maxShared    = 48 << 10 // the default
	maxParamSize = 4096
)

func (s *stream) Launch(k gpu.Kernel, l gpu.Launch, params []byte) error {
	const call = "cuLaunchKernel"
	if err := s.device.begin(call, " "+k.Name()); err != nil {
		return err
	}
	threads := uint64(l.Block[0]) * uint64(l.Block[1]) * uint64(l.Block[2])
	switch {
	case threads == 0 || threads > maxThreads || l.Block[2] > 64,
		l.Grid[0] == 0 || l.Grid[1] == 0 || l.Grid[2] == 0,
		l.Grid[0] > 1<<31-1 || l.Grid[1] > maxGridYZ || l.Grid[2] > maxGridYZ:
		return callError(call, 1, nil, "%s: grid %v, block %v", k.Name(), l.Grid, l.Block)
	case l.Shared > maxShared:
		return callError(call, 1, nil, "%s: %d bytes of shared memory", k.Name(), l.Shared)
	case len(params) > maxParamSize:
		return callError(call, 1, nil, "%s: %d bytes of parameters", k.Name(), len(params))
	}
	launcher := s.device.machine.options.Kernels
	if launcher == nil {
		return callError(call, 500, nil, "the emulated machine has no kernels")
	}
	params = append([]byte(nil), params...)
	return s.enqueue(task{"kernel " + k.Name(), func() error {
		return launcher.Launch(k.Name(), l.Grid, l.Block, l.Shared, params)
	}})
}

// graph is captured work.
type graph struct {
	device *Device
	tasks  []task
}

func (s *stream) Capture() error {
	if err := s.device.begin("cuStreamBeginCapture", ""); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.thread != 0 {
		return callError("cuStreamBeginCapture", 900, nil, "the stream is capturing already")
	}
	s.thread = thread()
	s.device.mu.Lock()
	s.device.capturing[s.thread] = true
	s.device.mu.Unlock()
	return nil
}

func (s *stream) Captured() (gpu.Graph, error) {
	const call = "cuStreamEndCapture"
	s.mu.Lock()
	of, tasks := s.thread, s.capture
	s.thread, s.capture = 0, nil
	s.mu.Unlock()
	if of == 0 {
		return nil, callError(call, 901, nil, "the stream is not capturing")
	}
	s.device.mu.Lock()
	delete(s.device.capturing, of)
	s.device.mu.Unlock()
	if err := s.device.begin(call, ""); err != nil {
		return nil, err
	}
	if of != thread() {
		return nil, callError(call, 908, nil, "capture ended by another thread")
	}
	s.device.machine.made("graph", 1)
	return &graph{s.device, tasks}, nil
}

func (s *stream) Replay(g gpu.Graph) error {
	if err := s.device.begin("cuGraphLaunch", ""); err != nil {
		return err
	}
	return s.enqueue(task{"graph", func() error {
		for _, t := range g.(*graph).tasks {
			if err := s.device.machine.called(t.name, ""); err != nil {
				return err
			}
			if err := t.run(); err != nil {
				return err
			}
		}
		return nil
	}})
}

func (g *graph) Close() error {
	g.device.machine.made("graph", -1)
	return g.device.machine.called("cuGraphExecDestroy", "")
}

func (s *stream) Synchronize() error {
	const call = "cuStreamSynchronize"
	if err := s.device.idle(call, ""); err != nil {
		return err
	}
	s.drain()
	return s.device.failed()
}

func (s *stream) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.tasks) > 0 || s.busy {
		s.changed.Wait()
	}
}

func (s *stream) Close() error {
	s.drain()
	s.mu.Lock()
	s.closed = true
	s.changed.Broadcast()
	s.mu.Unlock()
	s.device.machine.made("stream", -1)
	return s.device.machine.called("cuStreamDestroy", "")
}

// event is a position in a stream's work. Its records are numbered when they are
// enqueued, so that a wait is for the latest one at that time, as in CUDA.
type event struct {
	device  *Device
	timed   bool
	mu      sync.Mutex
	changed *sync.Cond
	asked   uint64 // records enqueued
	passed  uint64 // records that have run
	at      time.Time
}

// NewEvent makes an event that nothing has recorded; waits for it pass.
func (d *Device) NewEvent(timed bool) (gpu.Event, error) {
	if err := d.idle("cuEventCreate", ""); err != nil {
		return nil, err
	}
	e := &event{device: d, timed: timed}
	e.changed = sync.NewCond(&e.mu)
	d.machine.made("event", 1)
	return e, nil
}

func (s *stream) Record(g gpu.Event) error {
	if err := s.device.begin("cuEventRecord", ""); err != nil {
		return err
	}
	e := g.(*event)
	if e.device != s.device {
		return callError("cuEventRecord", 400, nil, "the event is of device %d, the stream of device %d", e.device.index, s.device.index)
	}
	e.mu.Lock()
	e.asked++
	number := e.asked
	e.mu.Unlock()
	return s.enqueue(task{run: func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.passed, e.at = max(e.passed, number), time.Now()
		e.changed.Broadcast()
		return nil
	}})
}

func (s *stream) Wait(g gpu.Event) error {
	if err := s.device.begin("cuStreamWaitEvent", ""); err != nil {
		return err
	}
	e := g.(*event)
	e.mu.Lock()
	number := e.asked
	e.mu.Unlock()
	return s.enqueue(task{run: func() error { e.await(number); return nil }})
}

func (e *event) await(number uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.passed < number {
		e.changed.Wait()
	}
}

func (e *event) Synchronize() error {
	if err := e.device.begin("cuEventSynchronize", ""); err != nil {
		return err
	}
	e.mu.Lock()
	number := e.asked
	e.mu.Unlock()
	e.await(number)
	return e.device.failed()
}

func (e *event) Passed() (bool, error) {
	if err := e.device.begin("cuEventQuery", ""); err != nil {
		return false, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.passed >= e.asked, nil
}

func (e *event) Since(start gpu.Event) (time.Duration, error) {
	s := start.(*event)
	if err := e.device.begin("cuEventElapsedTime", ""); err != nil {
		return 0, err
	}
	if !e.timed || !s.timed {
		return 0, callError("cuEventElapsedTime", 400, nil, "an event without timing")
	}
	e.mu.Lock()
	end, done := e.at, e.passed == e.asked && e.passed > 0
	e.mu.Unlock()
	s.mu.Lock()
	began := s.at
	s.mu.Unlock()
	if !done {
		return 0, callError("cuEventElapsedTime", 600, nil, "not ready")
	}
	return end.Sub(began), nil
}

func (e *event) Close() error {
	e.device.machine.made("event", -1)
	return e.device.machine.called("cuEventDestroy", "")
}
