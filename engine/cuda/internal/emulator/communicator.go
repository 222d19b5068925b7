package emulator

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"alexnet/engine/cuda/internal/gpu"
)

// job is the ranks with one identifier. Their calls are matched by number: the k-th calls
// of all ranks are one meeting.
type job struct {
	mu       sync.Mutex
	changed  *sync.Cond
	devices  []*Device // by rank, nil before it joins
	meetings map[int]*meeting
	failure  error
	left     bool // a rank has left: its memory may be freed, so meetings end
}

// meeting is one call of all ranks.
type meeting struct {
	call  collective
	parts [][]part // by rank
	came  int
	done  bool
	left  int
}

// collective is the part of a call that must be the same on all ranks.
type collective struct {
	name   string
	counts string // of elements
	typ    gpu.Type
}

// part is a rank's own memory in a call.
type part struct {
	dst, src       gpu.Pointer
	count          int64
	blocks, packed int64 // of count elements, at dst and src
}

// communicator is a rank of a job.
type communicator struct {
	device *Device
	job    *job
	rank   int
	calls  int // enqueued

	// Guarded by the job's lock.
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

func (c *communicator) AllReduce(s gpu.Stream, arrays []gpu.Array, t gpu.Type) error {
	var parts []part
	for _, a := range arrays {
		parts = append(parts, part{a.At, a.At, a.Count, 1, 1})
	}
	return c.enqueue(s, "ncclAllReduce", t, parts...)
}

func (c *communicator) AllReduceFlag(s gpu.Stream, at gpu.Pointer) error {
	return c.enqueue(s, "ncclAllReduce max", gpu.Float32, part{at, at, 1, 1, 1})
}

func (c *communicator) AllGather(s gpu.Stream, dst, src gpu.Pointer, count int64, t gpu.Type) error {
	return c.enqueue(s, "ncclAllGather", t, part{dst, src, count, int64(len(c.job.devices)), 1})
}

func (c *communicator) AllToAll(s gpu.Stream, dst, src gpu.Pointer, count int64, t gpu.Type) error {
	n := int64(len(c.job.devices))
	return c.enqueue(s, "ncclSend and ncclRecv", t, part{dst, src, count, n, n})
}

// enqueue puts a call on a stream.
func (c *communicator) enqueue(g gpu.Stream, name string, t gpu.Type, parts ...part) error {
	if err := c.device.idle(name, ""); err != nil {
		return err
	}
	s := g.(*stream)
	if s.device != c.device {
		return callError(name, 5, nil, "the stream is of device %d, the communicator of device %d", s.device.index, c.device.index)
	}
	call := collective{name: name, typ: t}
	for _, p := range parts {
		n := p.count * t.Size()
		if n <= 0 || !c.device.contains(p.dst, p.blocks*n) || !c.device.contains(p.src, p.packed*n) {
			return callError(name, 4, nil, "%+v is outside every allocation", p)
		}
		call.counts += fmt.Sprint(p.count, " ")
	}
	c.job.mu.Lock()
	ended := c.ended
	c.job.mu.Unlock()
	if ended {
		return callError(name, 4, gpu.ErrStalled, "the communicator has been aborted")
	}
	number := c.calls
	c.calls++
	return s.enqueue(task{"nccl kernel", func() error { return c.run(number, call, parts) }})
}

// run brings a rank's part to the meeting of its number, after earlier ones, and waits
// for the other ranks. It ends without a result if the communicator ends.
func (c *communicator) run(number int, call collective, parts []part) error {
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
		m = &meeting{call: call, parts: make([][]part, len(j.devices))}
		j.meetings[number] = m
	}
	if m.call != call {
		return callError(call.name, 5, nil, "call %d is %+v on rank %d, %+v on another", number, call, c.rank, m.call)
	}
	m.parts[c.rank] = parts
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

// exchange computes the meeting's results.
func (m *meeting) exchange() {
	for i := range m.parts[0] {
		ranks := make([]part, len(m.parts))
		for r, parts := range m.parts {
			ranks[r] = parts[i]
		}
		switch m.call.name {
		case "ncclAllReduce":
			sum(ranks, m.call.typ)
		case "ncclAllReduce max":
			largest(ranks)
		default:
			scatter(ranks, m.call.typ.Size())
		}
	}
}

func sum(ranks []part, t gpu.Type) {
	n := int(ranks[0].count)
	total := load(ranks[0].src, n, t)
	for _, p := range ranks[1:] {
		for i, v := range load(p.src, n, t) {
			total[i] += v
		}
	}
	for _, p := range ranks {
		store(p.dst, total, t)
	}
}

func largest(ranks []part) {
	var most uint32
	for _, p := range ranks {
		most = max(most, view[uint32](p.src, 1)[0])
	}
	for _, p := range ranks {
		view[uint32](p.dst, 1)[0] = most
	}
}

// scatter copies to each rank its blocks: one from each rank, or the same for all.
func scatter(ranks []part, size int64) {
	for from, f := range ranks {
		block := f.count * size
		for rank, to := range ranks {
			src := f.src.Add(int64(rank) % f.packed * block)
			copy(view[byte](to.dst.Add(int64(from)*block), int(block)), view[byte](src, int(block)))
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
