package vk

import "unsafe"

// Handles. All targets have pointers of 64 bits, so every handle is one.
type (
	instanceHandle uint64
	physicalHandle uint64
	deviceHandle   uint64

	// Queue is a VkQueue.
	Queue uint64
	// Buffer is a VkBuffer.
	Buffer uint64
	// Memory is a VkDeviceMemory.
	Memory uint64
	// Pool is a VkCommandPool.
	Pool uint64
	// Commands is a VkCommandBuffer.
	Commands uint64
	// Semaphore is a VkSemaphore, here always a timeline.
	Semaphore uint64
	// Shader is a VkShaderModule.
	Shader uint64
	// Layout is a VkPipelineLayout.
	Layout uint64
	// Pipeline is a VkPipeline.
	Pipeline uint64
	// Address is a VkDeviceAddress: the place of a buffer in the device's memory.
	Address uint64

	messenger uint64
)

// Add returns the address that many bytes behind a.
func (a Address) Add(bytes int64) Address { return a + Address(bytes) }

type applicationInfo struct {
	Type               uint32
	Next               unsafe.Pointer
	PApplicationName   *byte
	ApplicationVersion uint32
	PEngineName        *byte
	EngineVersion      uint32
	ApiVersion         uint32
}

type instanceCreateInfo struct {
	Type                    uint32
	Next                    unsafe.Pointer
	Flags                   uint32
	PApplicationInfo        *applicationInfo
	EnabledLayerCount       uint32
	PpEnabledLayerNames     **byte
	EnabledExtensionCount   uint32
	PpEnabledExtensionNames **byte
}

type layerProperties struct {
	LayerName             [256]byte
	SpecVersion           uint32
	ImplementationVersion uint32
	Description           [256]byte
}

type extensionProperties struct {
	ExtensionName [256]byte
	SpecVersion   uint32
}

type debugCreateInfo struct {
	Type            uint32
	Next            unsafe.Pointer
	Flags           uint32
	MessageSeverity uint32
	MessageType     uint32
	PfnUserCallback uintptr
	PUserData       unsafe.Pointer
}

type physicalDeviceProperties struct {
	ApiVersion        uint32
	DriverVersion     uint32
	VendorID          uint32
	DeviceID          uint32
	DeviceType        uint32
	DeviceName        [256]byte
	PipelineCacheUUID [16]byte
	Limits            Limits
	SparseProperties  [5]uint32
}

type physicalDeviceProperties2 struct {
	Type       uint32
	Next       unsafe.Pointer
	Properties physicalDeviceProperties
}

type physicalDeviceFeatures2 struct {
	Type     uint32
	Next     unsafe.Pointer
	Features Features
}

type memoryType struct{ PropertyFlags, HeapIndex uint32 }

type memoryHeap struct {
	Size  uint64
	Flags uint32
}

type physicalDeviceMemoryProperties struct {
	MemoryTypeCount uint32
	MemoryTypes     [32]memoryType
	MemoryHeapCount uint32
	MemoryHeaps     [16]memoryHeap
}

type physicalDeviceMemoryProperties2 struct {
	Type             uint32
	Next             unsafe.Pointer
	MemoryProperties physicalDeviceMemoryProperties
}

type memoryBudget struct {
	Type       uint32
	Next       unsafe.Pointer
	HeapBudget [16]uint64
	HeapUsage  [16]uint64
}

type queueFamilyProperties struct {
	QueueFlags                  uint32
	QueueCount                  uint32
	TimestampValidBits          uint32
	MinImageTransferGranularity [3]uint32
}

type deviceQueueCreateInfo struct {
	Type             uint32
	Next             unsafe.Pointer
	Flags            uint32
	QueueFamilyIndex uint32
	QueueCount       uint32
	PQueuePriorities *float32
}

type deviceCreateInfo struct {
	Type                    uint32
	Next                    unsafe.Pointer
	Flags                   uint32
	QueueCreateInfoCount    uint32
	PQueueCreateInfos       *deviceQueueCreateInfo
	EnabledLayerCount       uint32
	PpEnabledLayerNames     **byte
	EnabledExtensionCount   uint32
	PpEnabledExtensionNames **byte
	PEnabledFeatures        *Features
}

type bufferCreateInfo struct {
	Type                  uint32
	Next                  unsafe.Pointer
	Flags                 uint32
	Size                  uint64
	Usage                 uint32
	SharingMode           uint32
	QueueFamilyIndexCount uint32
	PQueueFamilyIndices   *uint32
}

type memoryRequirements struct {
	Size           uint64
	Alignment      uint64
	MemoryTypeBits uint32
}

type memoryAllocateInfo struct {
	Type            uint32
	Next            unsafe.Pointer
	AllocationSize  uint64
	MemoryTypeIndex uint32
}

type memoryAllocateFlagsInfo struct {
	Type       uint32
	Next       unsafe.Pointer
	Flags      uint32
	DeviceMask uint32
}

type bufferDeviceAddressInfo struct {
	Type   uint32
	Next   unsafe.Pointer
	Buffer Buffer
}

type shaderModuleCreateInfo struct {
	Type     uint32
	Next     unsafe.Pointer
	Flags    uint32
	CodeSize uint
	PCode    *byte
}

type pushConstantRange struct{ StageFlags, Offset, Size uint32 }

type pipelineLayoutCreateInfo struct {
	Type                   uint32
	Next                   unsafe.Pointer
	Flags                  uint32
	SetLayoutCount         uint32
	PSetLayouts            unsafe.Pointer
	PushConstantRangeCount uint32
	PPushConstantRanges    *pushConstantRange
}

type specializationMapEntry struct {
	ConstantID uint32
	Offset     uint32
	Size       uint
}

type specializationInfo struct {
	MapEntryCount uint32
	PMapEntries   *specializationMapEntry
	DataSize      uint
	PData         *uint32
}

type pipelineShaderStageCreateInfo struct {
	Type                uint32
	Next                unsafe.Pointer
	Flags               uint32
	Stage               uint32
	Module              Shader
	PName               *byte
	PSpecializationInfo *specializationInfo
}

type computePipelineCreateInfo struct {
	Type               uint32
	Next               unsafe.Pointer
	Flags              uint32
	Stage              pipelineShaderStageCreateInfo
	Layout             Layout
	BasePipelineHandle Pipeline
	BasePipelineIndex  int32
}

type subgroupRequired struct {
	Type                 uint32
	Next                 unsafe.Pointer
	RequiredSubgroupSize uint32
}

type subgroupFeatures struct {
	Type                 uint32
	Next                 unsafe.Pointer
	SubgroupSizeControl  uint32
	ComputeFullSubgroups uint32
}

type subgroupProperties struct {
	Type                         uint32
	Next                         unsafe.Pointer
	MinSubgroupSize              uint32
	MaxSubgroupSize              uint32
	MaxComputeWorkgroupSubgroups uint32
	RequiredSubgroupSizeStages   uint32
}

type matrixFeatures struct {
	Type                                uint32
	Next                                unsafe.Pointer
	CooperativeMatrix                   uint32
	CooperativeMatrixRobustBufferAccess uint32
}

type matrixProperties struct {
	Type                             uint32
	Next                             unsafe.Pointer
	CooperativeMatrixSupportedStages uint32
}

type matrix struct {
	Type                   uint32
	Next                   unsafe.Pointer
	MSize                  uint32
	NSize                  uint32
	KSize                  uint32
	AType                  uint32
	BType                  uint32
	CType                  uint32
	ResultType             uint32
	SaturatingAccumulation uint32
	Scope                  uint32
}

type commandPoolCreateInfo struct {
	Type             uint32
	Next             unsafe.Pointer
	Flags            uint32
	QueueFamilyIndex uint32
}

type commandBufferAllocateInfo struct {
	Type               uint32
	Next               unsafe.Pointer
	CommandPool        Pool
	Level              uint32
	CommandBufferCount uint32
}

type commandBufferBeginInfo struct {
	Type             uint32
	Next             unsafe.Pointer
	Flags            uint32
	PInheritanceInfo unsafe.Pointer
}

type memoryBarrier struct {
	Type          uint32
	Next          unsafe.Pointer
	SrcAccessMask uint32
	DstAccessMask uint32
}

type bufferCopy struct{ SrcOffset, DstOffset, Size uint64 }

type semaphoreTypeCreateInfo struct {
	Type          uint32
	Next          unsafe.Pointer
	SemaphoreType uint32
	InitialValue  uint64
}

type semaphoreCreateInfo struct {
	Type  uint32
	Next  unsafe.Pointer
	Flags uint32
}

type semaphoreWaitInfo struct {
	Type           uint32
	Next           unsafe.Pointer
	Flags          uint32
	SemaphoreCount uint32
	PSemaphores    *Semaphore
	PValues        *uint64
}

type timelineSemaphoreSubmitInfo struct {
	Type                      uint32
	Next                      unsafe.Pointer
	WaitSemaphoreValueCount   uint32
	PWaitSemaphoreValues      *uint64
	SignalSemaphoreValueCount uint32
	PSignalSemaphoreValues    *uint64
}

type submitInfo struct {
	Type                 uint32
	Next                 unsafe.Pointer
	WaitSemaphoreCount   uint32
	PWaitSemaphores      *Semaphore
	PWaitDstStageMask    *uint32
	CommandBufferCount   uint32
	PCommandBuffers      *Commands
	SignalSemaphoreCount uint32
	PSignalSemaphores    *Semaphore
}

type debugCallbackData struct {
	Type            uint32
	Next            unsafe.Pointer
	Flags           uint32
	PMessageIdName  uintptr
	MessageIdNumber int32
	PMessage        uintptr
}
