package nvidia

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"alexnet/engine/cuda/internal/gpu"
)

// communicator is an ncclComm_t. It does not block: a call returns while NCCL continues
// in the background, and settle waits for that. So another thread can abort it at any
// time. The lock prevents calls of both threads at the same time.
type communicator struct {
	api   *ncclAPI
	ranks int

	mu     sync.Mutex
	handle uintptr // 0 after its end
}

// errAborted is the error of every call after Abort.
var errAborted = fmt.Errorf("the communicator has been aborted: %w", gpu.ErrStalled)

// CommunicatorID is an ncclUniqueId.
func (d *device) CommunicatorID() ([]byte, error) {
	if m := d.lib.loadNCCL(); m != nil {
		return nil, m
	}
	a := &d.lib.nccl.api
	var id uniqueID
	err := a.check("ncclGetUniqueId", int32(call(a.getUniqueID, address(&id))))
	return slices.Clone(id.internal[:]), err
}

// Join makes an ncclComm_t.
func (d *device) Join(id []byte, rank, ranks int, within time.Duration) (gpu.Communicator, error) {
	if m := d.lib.loadNCCL(); m != nil {
		return nil, m
	}
	if len(id) != uniqueIDBytes {
		return nil, fmt.Errorf("the ranks' identity has %d bytes, want %d: do all ranks have GPUs?", len(id), uniqueIDBytes)
	}
	c := &communicator{api: &d.lib.nccl.api, ranks: ranks}
	const name = "ncclCommInitRankConfig"
	c.mu.Lock() // NCCL's thread writes the handle, too
	result := c.api.initRank(&c.handle, int32(ranks), uniqueID{[uniqueIDBytes]byte(id)}, int32(rank), nonBlocking())
	c.mu.Unlock()
	if err := c.settle(name, result, within); err != nil {
		return nil, errors.Join(err, c.Abort())
	}
	return c, nil
}

// settle waits until a call has finished on the host, for at most within unless that is
// 0.
func (c *communicator) settle(name string, result int32, within time.Duration) error {
	const spin, longest = 200 * time.Microsecond, 5 * time.Millisecond
	began := time.Now()
	for pause := spin; result == ncclInProgress; {
		switch took := time.Since(began); {
		case within > 0 && took > within:
			return fmt.Errorf("%s: not all of %d ranks came within %v: %w", name, c.ranks, within, gpu.ErrStalled)
		case took < spin: // a launch takes some ten microseconds, and a sleep twice as long
			runtime.Gosched()
		default:
			time.Sleep(pause)
			pause = min(2*pause, longest)
		}
		var err error
		if result, err = c.state(); err != nil {
			return err
		}
	}
	return c.api.check(name, result)
}

// state returns the result of the work in the background.
func (c *communicator) state() (int32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handle == 0 {
		return 0, errAborted
	}
	var state int32
	err := c.api.check("ncclCommGetAsyncError", int32(call(c.api.commError, c.handle, address(&state))))
	return state, err
}

// do makes the NCCL calls in f, and waits until they have finished on the host.
func (c *communicator) do(name string, f func(handle uintptr) int32) error {
	c.mu.Lock()
	if c.handle == 0 {
		c.mu.Unlock()
		return errAborted
	}
	result := f(c.handle)
	c.mu.Unlock()
	return c.settle(name, result, 0)
}

// AllReduce is a group, which NCCL launches at once.
func (c *communicator) AllReduce(s gpu.Stream, arrays []gpu.Array, t gpu.Type) error {
	return c.group("ncclAllReduce", len(arrays), func(i int, handle uintptr) int32 {
		return c.allReduce(s, arrays[i], ncclType(t), ncclSum, handle)
	})
}

func (c *communicator) AllReduceFlag(s gpu.Stream, at gpu.Pointer) error {
	return c.do("ncclAllReduce", func(handle uintptr) int32 {
		return c.allReduce(s, gpu.Array{At: at, Count: 1}, ncclUint32, ncclMax, handle)
	})
}

func (c *communicator) allReduce(s gpu.Stream, a gpu.Array, typ, op, handle uintptr) int32 {
	return int32(call(c.api.allReduce, uintptr(a.At), uintptr(a.At), uintptr(a.Count), typ, op, handle, s.(*stream).handle))
}

func (c *communicator) AllGather(s gpu.Stream, dst, src gpu.Pointer, count int64, t gpu.Type) error {
	return c.do("ncclAllGather", func(handle uintptr) int32 {
		return int32(call(c.api.allGather, uintptr(src), uintptr(dst), uintptr(count), ncclType(t), handle, s.(*stream).handle))
	})
}

// AllToAll is a group of sends and receives, also to and from this rank.
func (c *communicator) AllToAll(s gpu.Stream, dst, src gpu.Pointer, count int64, t gpu.Type) error {
	return c.group("ncclSend and ncclRecv", 2*c.ranks, func(i int, handle uintptr) int32 {
		rank, function, at := i/2, c.api.send, src
		if i%2 == 1 {
			function, at = c.api.receive, dst
		}
		at = at.Add(int64(rank) * count * t.Size())
		return int32(call(function, uintptr(at), uintptr(count), ncclType(t), uintptr(rank), handle, s.(*stream).handle))
	})
}

// group makes n calls that NCCL launches as one. It always ends the group, so that the
// thread has left it.
func (c *communicator) group(name string, n int, f func(i int, handle uintptr) int32) error {
	return c.do(name, func(handle uintptr) int32 {
		result := int32(call(c.api.groupStart))
		if result != 0 {
			return result
		}
		for i := 0; i < n && (result == 0 || result == ncclInProgress); i++ {
			result = f(i, handle)
		}
		end := int32(call(c.api.groupEnd))
		if result == 0 || result == ncclInProgress {
			return end
		}
		return result
	})
}

func (c *communicator) Failure() error {
	state, err := c.state()
	if err != nil || state == 0 || state == ncclInProgress {
		return err
	}
	return fmt.Errorf("%w: %w", gpu.ErrStalled, c.api.check("ncclCommGetAsyncError", state))
}

func (c *communicator) Abort() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handle == 0 {
		return nil
	}
	err := c.api.check("ncclCommAbort", int32(call(c.api.commAbort, c.handle)))
	c.handle = 0
	return err
}

// closing limits Close's wait for the other ranks.
const closing = 10 * time.Second

// Close waits for the ranks of this machine, as ncclCommFinalize does. It is not a
// failure if one does not come because it still writes.
func (c *communicator) Close() error {
	c.mu.Lock()
	if c.handle == 0 {
		c.mu.Unlock()
		return nil
	}
	result := int32(call(c.api.commFinalize, c.handle))
	c.mu.Unlock()
	err := c.settle("ncclCommFinalize", result, closing)
	switch {
	case errors.Is(err, gpu.ErrStalled):
		return c.Abort()
	case err != nil:
		return errors.Join(err, c.Abort())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handle == 0 {
		return nil
	}
	err = c.api.check("ncclCommDestroy", int32(call(c.api.commDestroy, c.handle)))
	c.handle = 0
	return err
}
