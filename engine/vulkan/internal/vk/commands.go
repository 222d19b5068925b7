package vk

import (
	"sync"
	"unsafe"
)

// argumentList holds a call's arguments. It comes from a pool, because a list that is
// passed to the library is on the heap.
type argumentList [12]uintptr

var argumentLists = sync.Pool{New: func() any { return new(argumentList) }}

// NewPool makes a pool whose command buffers can be recorded again.
func (d *Device) NewPool() (p Pool, err error) {
	info := &commandPoolCreateInfo{Type: typeCommandPoolCreateInfo, Flags: poolReset, QueueFamilyIndex: d.GPU.family}
	err = check("vkCreateCommandPool", call(d.createPool, uintptr(d.handle), uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&p))))
	return p, err
}

// FreePool destroys a pool with its command buffers.
func (d *Device) FreePool(p Pool) { call(d.destroyPool, uintptr(d.handle), uintptr(p), 0) }

// NewCommands makes a command buffer.
func (d *Device) NewCommands(p Pool) (c Commands, err error) {
	info := &commandBufferAllocateInfo{Type: typeCommandBufferAllocate, CommandPool: p, CommandBufferCount: 1}
	err = check("vkAllocateCommandBuffers", call(d.allocateCommands, uintptr(d.handle), uintptr(unsafe.Pointer(info)), uintptr(unsafe.Pointer(&c))))
	return c, err
}

var (
	beginOften = &commandBufferBeginInfo{Type: typeCommandBufferBegin, Flags: beginSimultaneous}
	everything = &memoryBarrier{
		Type:          typeMemoryBarrier,
		SrcAccessMask: accessShaderWrite | accessTransferWrite | accessHostWrite,
		DstAccessMask: accessShaderRead | accessShaderWrite | accessTransferRead | accessTransferWrite,
	}
	forHost = &memoryBarrier{Type: typeMemoryBarrier, SrcAccessMask: accessTransferWrite, DstAccessMask: accessHostRead}
)

// Begin begins to record c, which must not be running. Afterwards it may be submitted
// any number of times.
func (d *Device) Begin(c Commands) error {
	return check("vkBeginCommandBuffer", invoke(d.begin, uintptr(c), uintptr(unsafe.Pointer(beginOften))))
}

// End ends recording.
func (d *Device) End(c Commands) error {
	return check("vkEndCommandBuffer", invoke(d.end, uintptr(c)))
}

// Barrier makes later commands wait for all earlier ones, also those of earlier
// submissions to the queue, and see their writes.
func (d *Device) Barrier(c Commands) {
	const stages = pipelineStageCompute | pipelineStageTransfer
	invoke(d.barrier, uintptr(c), stages|pipelineStageHost, stages, 0, 1, uintptr(unsafe.Pointer(everything)), 0, 0, 0, 0)
}

// BarrierToHost makes transfers' writes visible to the host, after it has waited.
func (d *Device) BarrierToHost(c Commands) {
	invoke(d.barrier, uintptr(c), pipelineStageTransfer, pipelineStageHost, 0, 1, uintptr(unsafe.Pointer(forHost)), 0, 0, 0, 0)
}

// Dispatch records a run of a pipeline over workgroups, with push constants.
func (d *Device) Dispatch(c Commands, p Pipeline, l Layout, push []byte, groups [3]uint32) {
	call(d.bindPipeline, uintptr(c), bindCompute, uintptr(p))
	call(d.pushConstants, uintptr(c), uintptr(l), stageCompute, 0, uintptr(len(push)), uintptr(unsafe.Pointer(&push[0])))
	call(d.dispatch, uintptr(c), uintptr(groups[0]), uintptr(groups[1]), uintptr(groups[2]))
}

// Copier records copies without an allocation for each.
type Copier struct{ region bufferCopy }

// Copy records a copy between buffers.
func (k *Copier) Copy(d *Device, c Commands, to Buffer, toOffset int64, from Buffer, fromOffset, bytes int64) {
	k.region = bufferCopy{uint64(fromOffset), uint64(toOffset), uint64(bytes)}
	invoke(d.copyBuffer, uintptr(c), uintptr(from), uintptr(to), 1, uintptr(unsafe.Pointer(&k.region)))
}

// Update records a write of a few bytes. The bytes are copied at once.
func (d *Device) Update(c Commands, to Buffer, offset int64, data []byte) {
	invoke(d.updateBuffer, uintptr(c), uintptr(to), uintptr(offset), uintptr(len(data)), uintptr(unsafe.Pointer(&data[0])))
}

// Fill records a write of a word again and again, all over a block.
func (d *Device) Fill(c Commands, b Block, word uint32) {
	call(d.fillBuffer, uintptr(c), uintptr(b.Buffer), 0, ^uintptr(0), uintptr(word))
}

// NewTimeline makes a timeline semaphore at 0.
func (d *Device) NewTimeline() (s Semaphore, err error) {
	kind := &semaphoreTypeCreateInfo{Type: typeSemaphoreTypeCreateInfo, SemaphoreType: semaphoreTimeline}
	info := &semaphoreCreateInfo{Type: typeSemaphoreCreateInfo, Next: unsafe.Pointer(kind)}
	err = check("vkCreateSemaphore", call(d.createSemaphore, uintptr(d.handle), uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&s))))
	return s, err
}

// FreeTimeline destroys a semaphore.
func (d *Device) FreeTimeline(s Semaphore) {
	call(d.destroySemaphore, uintptr(d.handle), uintptr(s), 0)
}

// A Waiter waits for timelines without an allocation for each wait. One goroutine at
// a time uses it.
type Waiter struct {
	info      semaphoreWaitInfo
	semaphore Semaphore
	value     uint64
}

// Wait waits until s has reached value.
func (w *Waiter) Wait(d *Device, s Semaphore, value uint64) error {
	w.semaphore, w.value = s, value
	w.info = semaphoreWaitInfo{Type: typeSemaphoreWaitInfo, SemaphoreCount: 1, PSemaphores: &w.semaphore, PValues: &w.value}
	return check("vkWaitSemaphores", invoke(d.waitSemaphores, uintptr(d.handle), uintptr(unsafe.Pointer(&w.info)), ^uintptr(0)))
}

// Value returns the present value of s.
func (w *Waiter) Value(d *Device, s Semaphore) (uint64, error) {
	err := check("vkGetSemaphoreCounterValue", invoke(d.semaphoreValue, uintptr(d.handle), uintptr(s), uintptr(unsafe.Pointer(&w.value))))
	return w.value, err
}

// Submission is a batch of command buffers to submit. It can be reused.
type Submission struct {
	info     submitInfo
	timeline timelineSemaphoreSubmitInfo
	waits    []Semaphore
	values   []uint64
	stages   []uint32
	commands []Commands
	signal   Semaphore
	value    uint64
}

// Await makes the next submission wait until s has reached value.
func (u *Submission) Await(s Semaphore, value uint64) {
	u.waits, u.values, u.stages = append(u.waits, s), append(u.values, value), append(u.stages, pipelineStageAll)
}

// Add appends a command buffer.
func (u *Submission) Add(c Commands) { u.commands = append(u.commands, c) }

// Empty reports whether there is nothing to run or wait for.
func (u *Submission) Empty() bool { return len(u.commands) == 0 && len(u.waits) == 0 }

// Submit submits the batch to a queue, which then sets s to value, and empties the
// batch.
func (u *Submission) Submit(d *Device, q Queue, s Semaphore, value uint64) error {
	u.signal, u.value = s, value
	u.timeline = timelineSemaphoreSubmitInfo{
		Type: typeTimelineSubmitInfo, SignalSemaphoreValueCount: 1, PSignalSemaphoreValues: &u.value,
		WaitSemaphoreValueCount: uint32(len(u.waits)),
	}
	u.info = submitInfo{
		Type: typeSubmitInfo, Next: unsafe.Pointer(&u.timeline), SignalSemaphoreCount: 1, PSignalSemaphores: &u.signal,
		WaitSemaphoreCount: uint32(len(u.waits)), CommandBufferCount: uint32(len(u.commands)),
	}
	if len(u.waits) > 0 {
		u.timeline.PWaitSemaphoreValues = &u.values[0]
		u.info.PWaitSemaphores, u.info.PWaitDstStageMask = &u.waits[0], &u.stages[0]
	}
	if len(u.commands) > 0 {
		u.info.PCommandBuffers = &u.commands[0]
	}
	r := invoke(d.submit, uintptr(q), 1, uintptr(unsafe.Pointer(&u.info)), 0)
	u.waits, u.values, u.stages, u.commands = u.waits[:0], u.values[:0], u.stages[:0], u.commands[:0]
	return check("vkQueueSubmit", r)
}
