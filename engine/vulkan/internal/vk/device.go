package vk

import (
	"fmt"
	"unsafe"
)

// Device is a VkDevice.
type Device struct {
	GPU    *GPU
	Narrow bool // 16-bit storage is on

	handle deviceHandle

	destroyDevice, getQueue, waitIdle, createBuffer, destroyBuffer, bufferRequirements, allocateMemory, freeMemory,
	bindMemory, mapMemory, bufferAddress, createShader, destroyShader, createLayout, destroyLayout,
	createPipelines, destroyPipeline, createPool, destroyPool, allocateCommands, begin, end, bindPipeline,
	pushConstants, dispatch, barrier, copyBuffer, updateBuffer, createSemaphore, destroySemaphore, waitSemaphores,
	semaphoreValue, submit, fillBuffer uintptr
}

// maxQueues is the most queues that Open makes.
const maxQueues = 8

// Open opens the device with all of its queues, at most maxQueues.
func (g *GPU) Open() (*Device, error) {
	if len(g.Missing) > 0 {
		return nil, fmt.Errorf("%s lacks %s", g.Name, g.Missing[0])
	}
	d := &Device{GPU: g, Narrow: g.Narrow}
	f12 := &Features12{Type: typeFeatures12, BufferDeviceAddress: 1, TimelineSemaphore: 1}
	f11 := &Features11{Type: typeFeatures11, Next: unsafe.Pointer(f12)}
	if g.Narrow {
		f11.StorageBuffer16BitAccess = 1
	}
	var extensions []string
	if g.Matrices != (Matrices{}) {
		f12.ShaderFloat16, f12.VulkanMemoryModel = 1, 1
		subgroups := &subgroupFeatures{Type: typeSubgroupFeatures, SubgroupSizeControl: 1, ComputeFullSubgroups: 1}
		f12.Next = unsafe.Pointer(&matrixFeatures{Type: typeMatrixFeatures, Next: unsafe.Pointer(subgroups), CooperativeMatrix: 1})
		extensions = append(extensions, matrixExtension, subgroupExtension)
	}
	priorities := make([]float32, d.Queues())
	queues := &deviceQueueCreateInfo{Type: typeDeviceQueueCreateInfo, QueueFamilyIndex: g.family, QueueCount: d.Queues(), PQueuePriorities: &priorities[0]}
	info := &deviceCreateInfo{Type: typeDeviceCreateInfo, Next: unsafe.Pointer(f11), QueueCreateInfoCount: 1, PQueueCreateInfos: queues}
	if g.subset {
		extensions = append(extensions, subsetExtension)
	}
	info.EnabledExtensionCount, info.PpEnabledExtensionNames = cstrings(extensions)
	if err := check("vkCreateDevice", call(g.instance.createDevice, uintptr(g.handle), uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&d.handle)))); err != nil {
		return nil, err
	}
	for name, f := range map[string]*uintptr{
		"vkDestroyDevice":               &d.destroyDevice,
		"vkGetDeviceQueue":              &d.getQueue,
		"vkDeviceWaitIdle":              &d.waitIdle,
		"vkCreateBuffer":                &d.createBuffer,
		"vkDestroyBuffer":               &d.destroyBuffer,
		"vkGetBufferMemoryRequirements": &d.bufferRequirements,
		"vkAllocateMemory":              &d.allocateMemory,
		"vkFreeMemory":                  &d.freeMemory,
		"vkBindBufferMemory":            &d.bindMemory,
		"vkMapMemory":                   &d.mapMemory,
		"vkGetBufferDeviceAddress":      &d.bufferAddress,
		"vkCreateShaderModule":          &d.createShader,
		"vkDestroyShaderModule":         &d.destroyShader,
		"vkCreatePipelineLayout":        &d.createLayout,
		"vkDestroyPipelineLayout":       &d.destroyLayout,
		"vkCreateComputePipelines":      &d.createPipelines,
		"vkDestroyPipeline":             &d.destroyPipeline,
		"vkCreateCommandPool":           &d.createPool,
		"vkDestroyCommandPool":          &d.destroyPool,
		"vkAllocateCommandBuffers":      &d.allocateCommands,
		"vkBeginCommandBuffer":          &d.begin,
		"vkEndCommandBuffer":            &d.end,
		"vkCmdBindPipeline":             &d.bindPipeline,
		"vkCmdPushConstants":            &d.pushConstants,
		"vkCmdDispatch":                 &d.dispatch,
		"vkCmdPipelineBarrier":          &d.barrier,
		"vkCmdCopyBuffer":               &d.copyBuffer,
		"vkCmdFillBuffer":               &d.fillBuffer,
		"vkCmdUpdateBuffer":             &d.updateBuffer,
		"vkCreateSemaphore":             &d.createSemaphore,
		"vkDestroySemaphore":            &d.destroySemaphore,
		"vkWaitSemaphores":              &d.waitSemaphores,
		"vkGetSemaphoreCounterValue":    &d.semaphoreValue,
		"vkQueueSubmit":                 &d.submit,
	} {
		if *f = call(g.instance.getDeviceProc, uintptr(d.handle), uintptr(unsafe.Pointer(cstring(name)))); *f == 0 {
			return nil, fmt.Errorf("the driver of %s has no %s", g.Name, name)
		}
	}
	return d, nil
}

// Queues returns the number of queues of the open device.
func (d *Device) Queues() uint32 { return min(d.GPU.queues, maxQueues) }

// Queue returns the i-th of them.
func (d *Device) Queue(i uint32) (q Queue) {
	call(d.getQueue, uintptr(d.handle), uintptr(d.GPU.family), uintptr(i), uintptr(unsafe.Pointer(&q)))
	return q
}

// WaitIdle waits until no queue has work.
func (d *Device) WaitIdle() error {
	return check("vkDeviceWaitIdle", call(d.waitIdle, uintptr(d.handle)))
}

// Close destroys the device. All of its objects must have been destroyed.
func (d *Device) Close() { call(d.destroyDevice, uintptr(d.handle), 0) }

// Block is a buffer with its own memory.
type Block struct {
	Buffer  Buffer
	Address Address
	Host    []byte // its memory, where the host sees it
	memory  Memory
}

// Allocate makes a buffer of that many bytes: on the device, or with host in memory
// that the host sees without flushing, and reads through its cache if there is such
// memory.
func (d *Device) Allocate(bytes int64, host bool) (b Block, err error) {
	defer func() {
		if err != nil {
			d.Free(b)
		}
	}()
	info := &bufferCreateInfo{Type: typeBufferCreateInfo, Size: uint64(bytes), Usage: usageTransferSrc | usageTransferDst | usageStorage | usageDeviceAddress}
	if err := check("vkCreateBuffer", call(d.createBuffer, uintptr(d.handle), uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&b.Buffer)))); err != nil {
		return b, err
	}
	need := new(memoryRequirements)
	call(d.bufferRequirements, uintptr(d.handle), uintptr(b.Buffer), uintptr(unsafe.Pointer(need)))
	heaps, _ := d.GPU.heaps()
	kind, largest := memoryTypeFor(heaps, need.MemoryTypeBits, need.Size, d.GPU.wishes(host))
	if kind < 0 {
		return b, &Error{fmt.Sprintf("vkAllocateMemory of %d bytes, of %d at most", need.Size, largest), errOutOfDeviceMemory}
	}
	flags := &memoryAllocateFlagsInfo{Type: typeMemoryAllocateFlags, Flags: allocateAddress}
	take := &memoryAllocateInfo{Type: typeMemoryAllocateInfo, Next: unsafe.Pointer(flags), AllocationSize: need.Size, MemoryTypeIndex: uint32(kind)}
	if err := check("vkAllocateMemory", call(d.allocateMemory, uintptr(d.handle), uintptr(unsafe.Pointer(take)), 0, uintptr(unsafe.Pointer(&b.memory)))); err != nil {
		return b, err
	}
	if err := check("vkBindBufferMemory", call(d.bindMemory, uintptr(d.handle), uintptr(b.Buffer), uintptr(b.memory), 0)); err != nil {
		return b, err
	}
	where := &bufferDeviceAddressInfo{Type: typeBufferDeviceAddressInfo, Buffer: b.Buffer}
	b.Address = Address(call(d.bufferAddress, uintptr(d.handle), uintptr(unsafe.Pointer(where))))
	if host {
		var at unsafe.Pointer
		if err := check("vkMapMemory", call(d.mapMemory, uintptr(d.handle), uintptr(b.memory), 0, uintptr(need.Size), 0, uintptr(unsafe.Pointer(&at)))); err != nil {
			return b, err
		}
		b.Host = unsafe.Slice((*byte)(at), bytes)
	}
	return b, nil
}

// wishes lists acceptable properties of memory, the best first. The host's memory isn't
// used in place of a card's own, because the card would read it at a tenth of the speed.
// Other devices share the host's memory, although not all of it may count as theirs.
func (g *GPU) wishes(host bool) []uint32 {
	const seen = memoryHostVisible | memoryHostCoherent
	switch {
	case host:
		return []uint32{seen | memoryHostCached, seen}
	case g.Kind == Discrete:
		return []uint32{memoryDeviceLocal}
	}
	return []uint32{memoryDeviceLocal, 0}
}

// memoryTypeFor returns the first allowed type with the properties of a wish, in the
// order of wishes, and with a heap of size bytes; −1 for none. It skips types that need a
// feature (uncached or protected memory). largest is the size of the largest heap among
// the types.
func memoryTypeFor(m physicalDeviceMemoryProperties, allowed uint32, bytes uint64, wishes []uint32) (kind int, largest uint64) {
	const plain = memoryDeviceLocal | memoryHostVisible | memoryHostCoherent | memoryHostCached
	for _, w := range wishes {
		for i, t := range m.MemoryTypes[:m.MemoryTypeCount] {
			if allowed&(1<<i) == 0 || t.PropertyFlags&w != w || t.PropertyFlags&^plain != 0 {
				continue
			}
			size := m.MemoryHeaps[t.HeapIndex].Size
			if bytes <= size {
				return i, size
			}
			largest = max(largest, size)
		}
	}
	return -1, largest
}

// Free frees what Allocate made, or the part of it that exists.
func (d *Device) Free(b Block) {
	if b.Buffer != 0 {
		call(d.destroyBuffer, uintptr(d.handle), uintptr(b.Buffer), 0)
	}
	if b.memory != 0 {
		call(d.freeMemory, uintptr(d.handle), uintptr(b.memory), 0)
	}
}

// NewShader makes a module of SPIR-V.
func (d *Device) NewShader(code []byte) (s Shader, err error) {
	aligned := make([]uint32, len(code)/4)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&aligned[0])), len(code)), code)
	info := &shaderModuleCreateInfo{Type: typeShaderModuleCreateInfo, CodeSize: uint(len(code)), PCode: (*byte)(unsafe.Pointer(&aligned[0]))}
	err = check("vkCreateShaderModule", call(d.createShader, uintptr(d.handle), uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&s))))
	return s, err
}

// FreeShader destroys a module. Pipelines made from it remain.
func (d *Device) FreeShader(s Shader) { call(d.destroyShader, uintptr(d.handle), uintptr(s), 0) }

// NewLayout makes the layout of pipelines whose only arguments are push constants.
func (d *Device) NewLayout(pushBytes uint32) (l Layout, err error) {
	pushes := &pushConstantRange{StageFlags: stageCompute, Size: pushBytes}
	info := &pipelineLayoutCreateInfo{Type: typePipelineLayoutInfo, PushConstantRangeCount: 1, PPushConstantRanges: pushes}
	err = check("vkCreatePipelineLayout", call(d.createLayout, uintptr(d.handle), uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&l))))
	return l, err
}

// FreeLayout destroys a layout.
func (d *Device) FreeLayout(l Layout) { call(d.destroyLayout, uintptr(d.handle), uintptr(l), 0) }

// NewPipeline makes a pipeline of a module's "main", with specialisation constants
// 0, 1, … as given. A shader that multiplies matrices runs in whole subgroups.
func (d *Device) NewPipeline(s Shader, l Layout, constants []uint32, matrices bool) (p Pipeline, err error) {
	special := new(specializationInfo)
	if len(constants) > 0 {
		entries := make([]specializationMapEntry, len(constants))
		for i := range entries {
			entries[i] = specializationMapEntry{uint32(i), uint32(4 * i), 4}
		}
		special = &specializationInfo{uint32(len(entries)), &entries[0], uint(4 * len(constants)), &constants[0]}
	}
	info := &computePipelineCreateInfo{Type: typeComputePipelineInfo, Layout: l, BasePipelineIndex: -1, Stage: pipelineShaderStageCreateInfo{
		Type: typeShaderStageCreateInfo, Stage: stageCompute, Module: s, PName: cstring("main"), PSpecializationInfo: special,
	}}
	if matrices {
		info.Stage.Flags = fullSubgroups
		info.Stage.Next = unsafe.Pointer(&subgroupRequired{Type: typeSubgroupRequired, RequiredSubgroupSize: d.GPU.Subgroup})
	}
	err = check("vkCreateComputePipelines", call(d.createPipelines, uintptr(d.handle), 0, 1, uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&p))))
	return p, err
}

// FreePipeline destroys a pipeline.
func (d *Device) FreePipeline(p Pipeline) {
	call(d.destroyPipeline, uintptr(d.handle), uintptr(p), 0)
}
