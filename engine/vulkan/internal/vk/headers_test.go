package vk

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// structures are those with C's layout, by their names in vulkan_core.h.
var structures = map[string]any{
	"VkApplicationInfo":                         applicationInfo{},
	"VkInstanceCreateInfo":                      instanceCreateInfo{},
	"VkLayerProperties":                         layerProperties{},
	"VkExtensionProperties":                     extensionProperties{},
	"VkDebugUtilsMessengerCreateInfoEXT":        debugCreateInfo{},
	"VkPhysicalDeviceProperties2":               physicalDeviceProperties2{},
	"VkPhysicalDeviceProperties":                physicalDeviceProperties{},
	"VkPhysicalDeviceLimits":                    Limits{},
	"VkPhysicalDeviceFeatures":                  Features{},
	"VkPhysicalDeviceFeatures2":                 physicalDeviceFeatures2{},
	"VkPhysicalDeviceVulkan11Features":          Features11{},
	"VkPhysicalDeviceVulkan12Features":          Features12{},
	"VkPhysicalDeviceVulkan11Properties":        Properties11{},
	"VkPhysicalDeviceVulkan12Properties":        Properties12{},
	"VkPhysicalDeviceMemoryProperties":          physicalDeviceMemoryProperties{},
	"VkPhysicalDeviceMemoryProperties2":         physicalDeviceMemoryProperties2{},
	"VkMemoryType":                              memoryType{},
	"VkMemoryHeap":                              memoryHeap{},
	"VkPhysicalDeviceMemoryBudgetPropertiesEXT": memoryBudget{},
	"VkQueueFamilyProperties":                   queueFamilyProperties{},
	"VkDeviceQueueCreateInfo":                   deviceQueueCreateInfo{},
	"VkDeviceCreateInfo":                        deviceCreateInfo{},
	"VkBufferCreateInfo":                        bufferCreateInfo{},
	"VkMemoryRequirements":                      memoryRequirements{},
	"VkMemoryAllocateInfo":                      memoryAllocateInfo{},
	"VkMemoryAllocateFlagsInfo":                 memoryAllocateFlagsInfo{},
	"VkBufferDeviceAddressInfo":                 bufferDeviceAddressInfo{},
	"VkShaderModuleCreateInfo":                  shaderModuleCreateInfo{},
	"VkPushConstantRange":                       pushConstantRange{},
	"VkPipelineLayoutCreateInfo":                pipelineLayoutCreateInfo{},
	"VkSpecializationMapEntry":                  specializationMapEntry{},
	"VkSpecializationInfo":                      specializationInfo{},
	"VkPipelineShaderStageCreateInfo":           pipelineShaderStageCreateInfo{},
	"VkComputePipelineCreateInfo":               computePipelineCreateInfo{},
	"VkCommandPoolCreateInfo":                   commandPoolCreateInfo{},
	"VkCommandBufferAllocateInfo":               commandBufferAllocateInfo{},
	"VkCommandBufferBeginInfo":                  commandBufferBeginInfo{},
	"VkMemoryBarrier":                           memoryBarrier{},
	"VkBufferCopy":                              bufferCopy{},
	"VkSemaphoreTypeCreateInfo":                 semaphoreTypeCreateInfo{},
	"VkSemaphoreCreateInfo":                     semaphoreCreateInfo{},
	"VkSemaphoreWaitInfo":                       semaphoreWaitInfo{},
	"VkTimelineSemaphoreSubmitInfo":             timelineSemaphoreSubmitInfo{},
	"VkSubmitInfo":                              submitInfo{},

	"VkPipelineShaderStageRequiredSubgroupSizeCreateInfo": subgroupRequired{},
	"VkPhysicalDeviceSubgroupSizeControlFeatures":         subgroupFeatures{},
	"VkPhysicalDeviceSubgroupSizeControlProperties":       subgroupProperties{},
	"VkPhysicalDeviceCooperativeMatrixFeaturesKHR":        matrixFeatures{},
	"VkPhysicalDeviceCooperativeMatrixPropertiesKHR":      matrixProperties{},
	"VkCooperativeMatrixPropertiesKHR":                    matrix{},
}

// later are those that headers have from version 1.3.255 on.
var later = []string{"CooperativeMatrix", "COOPERATIVE_MATRIX", "VK_COMPONENT_TYPE", "VK_SCOPE"}

// numbers are constants by their names there.
var numbers = map[string]int64{
	"VK_STRUCTURE_TYPE_APPLICATION_INFO":                             typeApplicationInfo,
	"VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO":                         typeInstanceCreateInfo,
	"VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO":                     typeDeviceQueueCreateInfo,
	"VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO":                           typeDeviceCreateInfo,
	"VK_STRUCTURE_TYPE_SUBMIT_INFO":                                  typeSubmitInfo,
	"VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO":                         typeMemoryAllocateInfo,
	"VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO":                        typeSemaphoreCreateInfo,
	"VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO":                           typeBufferCreateInfo,
	"VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO":                    typeShaderModuleCreateInfo,
	"VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO":            typeShaderStageCreateInfo,
	"VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO":                 typeComputePipelineInfo,
	"VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO":                  typePipelineLayoutInfo,
	"VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO":                     typeCommandPoolCreateInfo,
	"VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO":                 typeCommandBufferAllocate,
	"VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO":                    typeCommandBufferBegin,
	"VK_STRUCTURE_TYPE_MEMORY_BARRIER":                               typeMemoryBarrier,
	"VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES":          typeFeatures11,
	"VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES":        typeProperties11,
	"VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES":          typeFeatures12,
	"VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES":        typeProperties12,
	"VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2":                   typeFeatures2,
	"VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2":                 typeProperties2,
	"VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2":          typeMemoryProperties2,
	"VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO":                   typeMemoryAllocateFlags,
	"VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT":        typeDebugMessengerCreateInfo,
	"VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO":                   typeSemaphoreTypeCreateInfo,
	"VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO":               typeTimelineSubmitInfo,
	"VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO":                          typeSemaphoreWaitInfo,
	"VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT": typeMemoryBudget,
	"VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO":                   typeBufferDeviceAddressInfo,

	"VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES":         typeSubgroupProperties,
	"VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO": typeSubgroupRequired,
	"VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES":           typeSubgroupFeatures,
	"VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR":          typeMatrixFeatures,
	"VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR":                        typeMatrix,
	"VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES_KHR":        typeMatrixProperties,

	"VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT": fullSubgroups,
	"VK_COMPONENT_TYPE_FLOAT16_KHR":                              componentFloat16,
	"VK_COMPONENT_TYPE_FLOAT32_KHR":                              componentFloat32,
	"VK_SCOPE_SUBGROUP_KHR":                                      scopeSubgroup,

	"VK_API_VERSION_1_2": api12,
	"VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR": portabilityEnumeration,
	"VK_QUEUE_COMPUTE_BIT":                             queueCompute,
	"VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT":              memoryDeviceLocal,
	"VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT":              memoryHostVisible,
	"VK_MEMORY_PROPERTY_HOST_COHERENT_BIT":             memoryHostCoherent,
	"VK_MEMORY_PROPERTY_HOST_CACHED_BIT":               memoryHostCached,
	"VK_MEMORY_HEAP_DEVICE_LOCAL_BIT":                  heapDeviceLocal,
	"VK_BUFFER_USAGE_TRANSFER_SRC_BIT":                 usageTransferSrc,
	"VK_BUFFER_USAGE_TRANSFER_DST_BIT":                 usageTransferDst,
	"VK_BUFFER_USAGE_STORAGE_BUFFER_BIT":               usageStorage,
	"VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT":        usageDeviceAddress,
	"VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT":            allocateAddress,
	"VK_SHADER_STAGE_COMPUTE_BIT":                      stageCompute,
	"VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT":  poolReset,
	"VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT":     beginSimultaneous,
	"VK_PIPELINE_BIND_POINT_COMPUTE":                   bindCompute,
	"VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT":             pipelineStageCompute,
	"VK_PIPELINE_STAGE_TRANSFER_BIT":                   pipelineStageTransfer,
	"VK_PIPELINE_STAGE_HOST_BIT":                       pipelineStageHost,
	"VK_PIPELINE_STAGE_ALL_COMMANDS_BIT":               pipelineStageAll,
	"VK_ACCESS_SHADER_READ_BIT":                        accessShaderRead,
	"VK_ACCESS_SHADER_WRITE_BIT":                       accessShaderWrite,
	"VK_ACCESS_TRANSFER_READ_BIT":                      accessTransferRead,
	"VK_ACCESS_TRANSFER_WRITE_BIT":                     accessTransferWrite,
	"VK_ACCESS_HOST_READ_BIT":                          accessHostRead,
	"VK_ACCESS_HOST_WRITE_BIT":                         accessHostWrite,
	"VK_SEMAPHORE_TYPE_TIMELINE":                       semaphoreTimeline,
	"VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT":  severityWarning,
	"VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT":    severityError,
	"VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT":      messageGeneral,
	"VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT":   messageValid,
	"VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT":  messagePerform,
	"VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU":           int64(Integrated),
	"VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU":             int64(Discrete),
	"VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU":              int64(Virtual),
	"VK_PHYSICAL_DEVICE_TYPE_CPU":                      int64(Software),
	"VK_SUBGROUP_FEATURE_ARITHMETIC_BIT":               subgroupArithmetic,
}

// TestHeader compares structures, constants and results with Vulkan's header, which a
// compiled C program tells of.
func TestHeader(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("gcc is not installed")
	}
	header, err := os.ReadFile("/usr/include/vulkan/vulkan_core.h")
	if err != nil {
		t.Skip("Vulkan's header is not installed (libvulkan-dev)")
	}
	old := !bytes.Contains(header, []byte("VkCooperativeMatrixPropertiesKHR"))
	isLater := func(name string) bool {
		return old && slices.ContainsFunc(later, func(word string) bool { return strings.Contains(name, word) })
	}
	var c, want bytes.Buffer
	c.WriteString("#include <vulkan/vulkan_core.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n")
	for name, v := range structures {
		if isLater(name) {
			continue
		}
		typ := reflect.TypeOf(v)
		fmt.Fprintf(&c, "printf(\"%s %%zu\\n\", sizeof(%s));\n", name, name)
		fmt.Fprintf(&want, "%s %d\n", name, typ.Size())
		for i := range typ.NumField() {
			f := typ.Field(i)
			there := map[string]string{"Type": "sType", "Next": "pNext"}[f.Name]
			switch {
			case there == "" && bytes.Contains(header, []byte(" "+f.Name+";")): // as it is
				there = f.Name
			case there == "":
				there = strings.ToLower(f.Name[:1]) + f.Name[1:]
			}
			fmt.Fprintf(&c, "printf(\"%s.%s %%zu\\n\", offsetof(%s, %s));\n", name, there, name, there)
			fmt.Fprintf(&want, "%s.%s %d\n", name, there, f.Offset)
		}
	}
	for name, n := range numbers {
		if isLater(name) {
			continue
		}
		fmt.Fprintf(&c, "printf(\"%s %%lld\\n\", (long long)%s);\n", name, name)
		fmt.Fprintf(&want, "%s %d\n", name, n)
	}
	for r, name := range names {
		fmt.Fprintf(&c, "printf(\"%s %%d\\n\", %s);\n", name, name)
		fmt.Fprintf(&want, "%s %d\n", name, r)
	}
	c.WriteString("}\n")
	file, program := filepath.Join(t.TempDir(), "layout.c"), filepath.Join(t.TempDir(), "layout")
	if err := os.WriteFile(file, c.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-o", program, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	wants := strings.Split(want.String(), "\n")
	for i, line := range strings.Split(string(got), "\n") {
		if line != wants[i] {
			t.Errorf("the header says %s, we %s", line, wants[i])
		}
	}
}
