package emulator

import (
	"encoding/binary"
	"sync"
	"time"

	"alexnet/engine/cuda/internal/gpu"
)

// job is ranks that find each other by one identity. What they call is matched
// by number: the k-th calls of all ranks are one meeting.
type job struct {
	mu       sync.Mutex
	changed  *sync.Cond
	devices  []*Device // by rank, nil until it has come
	meetings map[int]*meeting
	failure  error
	left     bool // a rank has left: its memory may be gone, so nobody meets any more
}

// meeting is one call of all ranks.
type meeting struct {
	call  collective
	parts []part // by rank
	came  int
	done  bool
	left  int
}

// collective is what all ranks must agree on.
type collective struct {
	name  string
	count int64
	typ   gpu.Type
}

// part is a rank's own memory in a call.
type part struct{ dst, src gpu.Pointer }

// communicator is a rank of a job.
type communicator struct {
	device *Device
	job    *job
	rank   int
	calls  int // enqueued

	// Under the job's lock.
	ran   int // calls that have run
	ended bool
}

// CommunicatorID counts.
func (d *Device) CommunicatorID() ([]byte, error) {
	if err := d.idle("ncclGetUniqueId", ""); err != nil {
		return nil, err
	}
	m := d.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	id := binary.LittleEndian.AppendUint64([]byte("emulated"), uint64(len(m.jobs)))
	j := &job{meetings: map[int]*meeting{}}
	j.changed = sync.NewCond(&j.mu)
	m.jobs[string(id)] = j
	return id, nil
}

// Join waits for the other ranks.
func (d *Device) Join(id []byte, rank, ranks int, within time.Duration) (gpu.Communicator, error) {
	const call = "ncclCommInitRankConfig"
	if err := d.idle(call, ""); err != nil {
		return nil, err
	}
	d.machine.mu.Lock()
	j := d.machine.jobs[string(id)]
	d.machine.mu.Unlock()
	if j == nil || rank < 0 || rank >= ranks {
		return nil, callError(call, 4, nil, "rank %d of %d, identity %q", rank, ranks, id)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.devices == nil {
		j.devices = make([]*Device, ranks)
	}
	for r, other := range j.devices {
		if len(j.devices) != ranks || r == rank && other != nil || other == d {
			return nil, callError(call, 5, nil, "rank %d of %d: rank %d of %d is on device %d", rank, ranks, r, len(j.devices), d.index)
		}
	}
	j.devices[rank] = d
	j.changed.Broadcast()
	late := time.AfterFunc(within, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.changed.Broadcast()
	})
	defer late.Stop()
	for deadline := time.Now().Add(within); !j.complete(); j.changed.Wait() {
		if !time.Now().Before(deadline) {
			j.devices[rank] = nil
			return nil, callError(call, 8, gpu.ErrStalled, "not all of %d ranks came within %v (emulated)", ranks, within)
		}
	}
	d.machine.made("communicator", 1)
	return &communicator{device: d, job: j, rank: rank}, nil
}

func (j *job) complete() bool {
	for _, d := range j.devices {
		if d == nil {
			return false
		}
	}
	return true
}

// Disconnect ends all ways between ranks: nothing arrives any more, and
// communicators report it.
func (m *Machine) Disconnect() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, j := range m.jobs {
		j.mu.Lock()
		j.failure = callError("ncclCommGetAsyncError", 6, gpu.ErrStalled, "remote process exited or there was a network error (emulated)")
		j.mu.Unlock()
	}
}

func (c *communicator) AllReduce(s gpu.Stream, at gpu.Pointer, count int64, t gpu.Type) error {
	return c.enqueue(s, collective{"ncclAllReduce", count, t}, part{at, at}, count*t.Size(), count*t.Size())
}

func (c *communicator) AllReduceFlag(s gpu.Stream, at gpu.Pointer) error {
	return c.enqueue(s, collective{"ncclAllReduce max", 1, gpu.Float32}, part{at, at}, 4, 4)
}

func (c *communicator) AllGather(s gpu.Stream, dst, src gpu.Pointer, count int64, t gpu.Type) error {
	n := count * t.Size()
	return c.enqueue(s, collective{"ncclAllGather", count, t}, part{dst, src}, int64(len(c.job.devices))*n, n)
}

func (c *communicator) AllToAll(s gpu.Stream, dst, src gpu.Pointer, count int64, t gpu.Type) error {
	n := int64(len(c.job.devices)) * count * t.Size()
	return c.enqueue(s, collective{"ncclSend and ncclRecv", count, t}, part{dst, src}, n, n)
}

// enqueue puts a call on a stream.
func (c *communicator) enqueue(g gpu.Stream, call collective, p part, dst, src int64) error {
	if err := c.device.idle(call.name, ""); err != nil {
		return err
	}
	s := g.(*stream)
	if s.device != c.device {
		return callError(call.name, 5, nil, "the stream is of device %d, the communicator of device %d", s.device.index, c.device.index)
	}
	if !c.device.contains(p.dst, dst) || !c.device.contains(p.src, src) {
		return callError(call.name, 4, nil, "%d bytes at %#x or %d at %#x are outside every allocation", dst, uint64(p.dst), src, uint64(p.src))
	}
	c.job.mu.Lock()
	ended := c.ended
	c.job.mu.Unlock()
	if ended {
		return callError(call.name, 4, gpu.ErrStalled, "the communicator has been aborted")
	}
	number := c.calls
	c.calls++
	return s.enqueue(task{"nccl kernel", func() error { return c.run(number, call, p) }})
}

// run brings a rank's part to the meeting of its number, after those before it,
// and waits for the others. It ends without a result when the communicator does.
func (c *communicator) run(number int, call collective, p part) error {
	j := c.job
	j.mu.Lock()
	defer j.mu.Unlock()
	for c.ran < number && !c.ended {
		j.changed.Wait()
	}
	if c.ended {
		return nil
	}
	m := j.meetings[number]
	if m == nil {
		m = &meeting{call: call, parts: make([]part, len(j.devices))}
		j.meetings[number] = m
	}
	if m.call != call {
		return callError(call.name, 5, nil, "call %d is %+v on rank %d, %+v on another", number, call, c.rank, m.call)
	}
	m.parts[c.rank] = p
	m.came++
	if m.came == len(j.devices) && j.failure == nil && !j.left {
		m.exchange()
		m.done = true
		j.changed.Broadcast()
	}
	for !m.done && !c.ended {
		j.changed.Wait()
	}
	if m.left++; m.left == len(j.devices) {
		delete(j.meetings, number)
	}
	c.ran++
	j.changed.Broadcast()
	return nil
}

// exchange does what the meeting is for.
func (m *meeting) exchange() {
	n := int(m.call.count)
	block := m.call.count * m.call.typ.Size()
	switch m.call.name {
	case "ncclAllReduce":
		sum := load(m.parts[0].src, n, m.call.typ)
		for _, p := range m.parts[1:] {
			for i, v := range load(p.src, n, m.call.typ) {
				sum[i] += v
			}
		}
		for _, p := range m.parts {
			store(p.dst, sum, m.call.typ)
		}
	case "ncclAllReduce max":
		var most uint32
		for _, p := range m.parts {
			most = max(most, view[uint32](p.src, 1)[0])
		}
		for _, p := range m.parts {
			view[uint32](p.dst, 1)[0] = most
		}
	case "ncclAllGather":
		for from, f := range m.parts {
			for _, to := range m.parts {
				copy(view[byte](to.dst.Add(int64(from)*block), int(block)), view[byte](f.src, int(block)))
			}
		}
	default:
		for from, f := range m.parts {
			for rank, to := range m.parts {
				copy(view[byte](to.dst.Add(int64(from)*block), int(block)), view[byte](f.src.Add(int64(rank)*block), int(block)))
			}
		}
	}
}

func (c *communicator) Failure() error {
	if err := c.device.begin("ncclCommGetAsyncError", ""); err != nil {
		return err
	}
	c.job.mu.Lock()
	defer c.job.mu.Unlock()
	return c.job.failure
}

func (c *communicator) Abort() error { return c.end("ncclCommAbort") }

func (c *communicator) Close() error { return c.end("ncclCommDestroy") }

func (c *communicator) end(call string) error {
	c.job.mu.Lock()
	ended := c.ended
	c.ended, c.job.left = true, true
	c.job.changed.Broadcast()
	c.job.mu.Unlock()
	if ended {
		return nil
	}
	c.device.machine.made("communicator", -1)
	return c.device.machine.called(call, "")
}
