package vk

import (
	"fmt"
	"slices"
	"unsafe"
)

// GPU is a VkPhysicalDevice with its properties.
type GPU struct {
	Name    string
	Kind    Kind
	Driver  string // with its version
	Version string // of Vulkan, that the device has
	// Identity is the same for the same device in another process, until its driver
	// is another one.
	Identity string
	Limits   Limits
	// Subgroup is the number of invocations that run in step.
	Subgroup uint32
	// Missing lists what engine/vulkan needs and the device lacks; nil means that it
	// can be used.
	Missing []string
	// Narrow says that the device stores 16-bit numbers.
	Narrow bool
	// SubgroupSums says that a subgroup can add up its numbers by itself.
	SubgroupSums bool
	// Matrices are the small matrices that a subgroup multiplies by itself.
	Matrices Matrices

	handle   physicalHandle
	instance *Instance
	family   uint32 // of queues that compute
	queues   uint32
	budget   bool
	subset   bool // it doesn't implement all of Vulkan
}

const (
	budgetExtension   = "VK_EXT_memory_budget"
	subsetExtension   = "VK_KHR_portability_subset"
	matrixExtension   = "VK_KHR_cooperative_matrix"
	subgroupExtension = "VK_EXT_subgroup_size_control"

	subgroupArithmetic = 4
)

// GPUs lists the machine's devices in the loader's order.
func (i *Instance) GPUs() ([]*GPU, error) {
	var n uint32
	const name = "vkEnumeratePhysicalDevices"
	if err := check(name, call(i.enumeratePhysical, uintptr(i.handle), uintptr(unsafe.Pointer(&n)), 0)); err != nil || n == 0 {
		return nil, err
	}
	handles := make([]physicalHandle, n)
	if err := check(name, call(i.enumeratePhysical, uintptr(i.handle), uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&handles[0])))); err != nil {
		return nil, err
	}
	var all []*GPU
	for _, h := range handles[:n] {
		all = append(all, i.examine(h))
	}
	return all, nil
}

func (i *Instance) examine(h physicalHandle) *GPU {
	g := &GPU{handle: h, instance: i}
	p12 := &Properties12{Type: typeProperties12}
	p11 := &Properties11{Type: typeProperties11, Next: unsafe.Pointer(p12)}
	p := &physicalDeviceProperties2{Type: typeProperties2, Next: unsafe.Pointer(p11)}
	// Structures of a version are only for devices with that version, so the first call asks
	// for it.
	p.Next = nil
	call(i.properties2, uintptr(h), uintptr(unsafe.Pointer(p)))
	g.Name, g.Kind, g.Limits = text(p.Properties.DeviceName[:]), Kind(p.Properties.DeviceType), p.Properties.Limits
	g.Version = version(p.Properties.ApiVersion)
	if p.Properties.ApiVersion < api12 {
		g.Missing = append(g.Missing, "Vulkan 1.2")
		return g
	}
	p.Next = unsafe.Pointer(p11)
	call(i.properties2, uintptr(h), uintptr(unsafe.Pointer(p)))
	g.Driver = fmt.Sprintf("%s %s", text(p12.DriverName[:]), text(p12.DriverInfo[:]))
	g.Identity = fmt.Sprintf("%x %x %d", p11.DeviceUUID, p11.DriverUUID, p.Properties.DriverVersion)
	g.Subgroup = p11.SubgroupSize
	g.SubgroupSums = p11.SubgroupSupportedOperations&subgroupArithmetic != 0 && p11.SubgroupSupportedStages&stageCompute != 0

	f12 := &Features12{Type: typeFeatures12}
	f11 := &Features11{Type: typeFeatures11, Next: unsafe.Pointer(f12)}
	f := &physicalDeviceFeatures2{Type: typeFeatures2, Next: unsafe.Pointer(f11)}
	call(i.features2, uintptr(h), uintptr(unsafe.Pointer(f)))
	if f12.BufferDeviceAddress == 0 {
		g.Missing = append(g.Missing, "bufferDeviceAddress")
	}
	if f12.TimelineSemaphore == 0 {
		g.Missing = append(g.Missing, "timelineSemaphore")
	}
	g.Narrow = f11.StorageBuffer16BitAccess != 0
	g.family, g.queues = i.computeFamily(h)
	if g.queues == 0 {
		g.Missing = append(g.Missing, "a queue that computes")
	}
	listed := i.extensions(h)
	g.budget, g.subset = slices.Contains(listed, budgetExtension), slices.Contains(listed, subsetExtension)
	if g.SubgroupSums && f12.ShaderFloat16&f12.VulkanMemoryModel != 0 && slices.Contains(listed, matrixExtension) && slices.Contains(listed, subgroupExtension) {
		g.Matrices = i.matrices(h)
	}
	return g
}

// computeFamily returns a family of queues for computing, preferably one without
// graphics, and its number of queues.
func (i *Instance) computeFamily(h physicalHandle) (family, queues uint32) {
	var n uint32
	call(i.queueFamilies, uintptr(h), uintptr(unsafe.Pointer(&n)), 0)
	if n == 0 {
		return 0, 0
	}
	all := make([]queueFamilyProperties, n)
	call(i.queueFamilies, uintptr(h), uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&all[0])))
	const graphics = 1
	for _, apart := range []bool{true, false} {
		for at, f := range all[:n] {
			if f.QueueFlags&queueCompute != 0 && (!apart || f.QueueFlags&graphics == 0) {
				return uint32(at), f.QueueCount
			}
		}
	}
	return 0, 0
}

func (i *Instance) extensions(h physicalHandle) (names []string) {
	var n uint32
	if call(i.deviceExtensions, uintptr(h), 0, uintptr(unsafe.Pointer(&n)), 0) != 0 || n == 0 {
		return nil
	}
	all := make([]extensionProperties, n)
	call(i.deviceExtensions, uintptr(h), 0, uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&all[0])))
	for _, e := range all[:n] {
		names = append(names, text(e.ExtensionName[:]))
	}
	return names
}

// heaps returns the device's memory.
func (g *GPU) heaps() (physicalDeviceMemoryProperties, memoryBudget) {
	b := &memoryBudget{Type: typeMemoryBudget}
	m := &physicalDeviceMemoryProperties2{Type: typeMemoryProperties2}
	if g.budget {
		m.Next = unsafe.Pointer(b)
	}
	call(g.instance.memory2, uintptr(g.handle), uintptr(unsafe.Pointer(m)))
	return m.MemoryProperties, *b
}

// Memory returns the size of the largest heap, on a card of the largest there, and the
// bytes of it that are free for this process: all of them if the driver does not say.
func (g *GPU) Memory() (free, total int64) {
	m, b := g.heaps()
	for i, h := range m.MemoryHeaps[:m.MemoryHeapCount] {
		if g.Kind == Discrete && h.Flags&heapDeviceLocal == 0 || int64(h.Size) <= total {
			continue
		}
		total, free = int64(h.Size), int64(h.Size)
		if g.budget {
			free = max(0, int64(b.HeapBudget[i])-int64(b.HeapUsage[i]))
		}
	}
	return free, total
}
