package vk

// Types of structures.
const (
	typeApplicationInfo          = 0
	typeInstanceCreateInfo       = 1
	typeDeviceQueueCreateInfo    = 2
	typeDeviceCreateInfo         = 3
	typeSubmitInfo               = 4
	typeMemoryAllocateInfo       = 5
	typeSemaphoreCreateInfo      = 9
	typeBufferCreateInfo         = 12
	typeShaderModuleCreateInfo   = 16
	typeShaderStageCreateInfo    = 18
	typeComputePipelineInfo      = 29
	typePipelineLayoutInfo       = 30
	typeCommandPoolCreateInfo    = 39
	typeCommandBufferAllocate    = 40
	typeCommandBufferBegin       = 42
	typeMemoryBarrier            = 46
	typeFeatures11               = 49
	typeProperties11             = 50
	typeFeatures12               = 51
	typeProperties12             = 52
	typeFeatures2                = 1000059000
	typeProperties2              = 1000059001
	typeMemoryProperties2        = 1000059006
	typeMemoryAllocateFlags      = 1000060000
	typeDebugMessengerCreateInfo = 1000128004
	typeSemaphoreTypeCreateInfo  = 1000207002
	typeTimelineSubmitInfo       = 1000207003
	typeSemaphoreWaitInfo        = 1000207004
	typeSubgroupProperties       = 1000225000
	typeSubgroupRequired         = 1000225001
	typeSubgroupFeatures         = 1000225002
	typeMemoryBudget             = 1000237000
	typeBufferDeviceAddressInfo  = 1000244001
	typeMatrixFeatures           = 1000506000
	typeMatrix                   = 1000506001
	typeMatrixProperties         = 1000506002
)

// Flags and enumerations.
const (
	api12 = 1<<22 | 2<<12

	portabilityEnumeration = 1 // of an instance

	queueCompute = 2

	memoryDeviceLocal  = 1
	memoryHostVisible  = 2
	memoryHostCoherent = 4
	memoryHostCached   = 8
	heapDeviceLocal    = 1

	usageTransferSrc   = 0x1
	usageTransferDst   = 0x2
	usageStorage       = 0x20
	usageDeviceAddress = 0x20000
	allocateAddress    = 2

	stageCompute  = 0x20 // of shaders
	fullSubgroups = 2

	componentFloat16 = 0
	componentFloat32 = 1
	scopeSubgroup    = 3

	poolTransient = 1
	poolReset     = 2

	beginOnce         = 1
	beginSimultaneous = 4

	bindCompute = 1

	pipelineStageCompute  = 0x800
	pipelineStageTransfer = 0x1000
	pipelineStageHost     = 0x4000
	pipelineStageAll      = 0x10000

	accessShaderRead    = 0x20
	accessShaderWrite   = 0x40
	accessTransferRead  = 0x800
	accessTransferWrite = 0x1000
	accessHostRead      = 0x2000
	accessHostWrite     = 0x4000

	semaphoreTimeline = 1

	severityWarning = 0x100
	severityError   = 0x1000
	messageGeneral  = 1
	messageValid    = 2
	messagePerform  = 4
)

// Kind is the kind of a device: VkPhysicalDeviceType.
type Kind uint32

const (
	Other Kind = iota
	Integrated
	Discrete
	Virtual
	Software // computes on the processor
)

// String names the kind.
func (k Kind) String() string {
	if k > Software {
		k = Other
	}
	return [...]string{"of another kind", "integrated", "discrete", "virtual", "in software"}[k]
}
