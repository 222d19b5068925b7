package vk

import (
	"fmt"
	"unsafe"
)

// Matrices are the sizes of matrices that a subgroup multiplies by itself: M×K times
// K×N, of float16, with sums in float32. They are zero where the device has none.
type Matrices struct{ M, N, K uint32 }

// String names the sizes.
func (m Matrices) String() string { return fmt.Sprintf("%d×%d×%d", m.M, m.N, m.K) }

// mostMatrix is the largest size of a matrix in tiles.
const mostMatrix = 32

// matrices returns the largest matrices that a device lists. It must be able to run a
// shader in whole subgroups of one size, because all invocations of a subgroup work
// together.
func (i *Instance) matrices(h physicalHandle) (best Matrices) {
	list := i.proc("vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR")
	if list == 0 {
		return best
	}
	subgroups := &subgroupFeatures{Type: typeSubgroupFeatures}
	features := &matrixFeatures{Type: typeMatrixFeatures, Next: unsafe.Pointer(subgroups)}
	call(i.features2, uintptr(h), uintptr(unsafe.Pointer(&physicalDeviceFeatures2{Type: typeFeatures2, Next: unsafe.Pointer(features)})))
	sizes := &subgroupProperties{Type: typeSubgroupProperties}
	properties := &matrixProperties{Type: typeMatrixProperties, Next: unsafe.Pointer(sizes)}
	call(i.properties2, uintptr(h), uintptr(unsafe.Pointer(&physicalDeviceProperties2{Type: typeProperties2, Next: unsafe.Pointer(properties)})))
	if features.CooperativeMatrix == 0 || subgroups.SubgroupSizeControl == 0 || subgroups.ComputeFullSubgroups == 0 ||
		properties.CooperativeMatrixSupportedStages&sizes.RequiredSubgroupSizeStages&stageCompute == 0 {
		return best
	}
	var n uint32
	if call(list, uintptr(h), uintptr(unsafe.Pointer(&n)), 0) != 0 || n == 0 {
		return best
	}
	all := make([]matrix, n)
	for j := range all {
		all[j].Type = typeMatrix
	}
	call(list, uintptr(h), uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&all[0])))
	for _, m := range all[:n] {
		fits := m.AType == componentFloat16 && m.BType == componentFloat16 && m.CType == componentFloat32 && m.ResultType == componentFloat32 &&
			m.Scope == scopeSubgroup && m.SaturatingAccumulation == 0 && max(m.MSize, m.NSize, m.KSize) <= mostMatrix
		if fits && m.MSize*m.NSize*m.KSize > best.M*best.N*best.K {
			best = Matrices{m.MSize, m.NSize, m.KSize}
		}
	}
	return best
}
