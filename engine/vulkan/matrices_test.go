package vulkan

import (
	"testing"

	"alexnet/engine/vulkan/internal/vk"
)

// TestMatrixTiles: the sizes of matrices and subgroups that drivers list give tiles that fit,
// one of 64×64 sums first, as matrices.glsl wants them.
func TestMatrixTiles(t *testing.T) {
	for _, c := range []struct {
		name      string
		m         vk.Matrices
		subgroup  uint32
		shared    uint32
		threads   uint32
		want      int
		firstTile string
	}{
		{"NVIDIA", vk.Matrices{M: 16, N: 16, K: 16}, 32, 48 << 10, 1024, 9, "64x64x32, 2x2 of 16x16x16 each"},
		{"AMD, 64", vk.Matrices{M: 16, N: 16, K: 16}, 64, 32 << 10, 1024, 8, "64x64x32, 2x2 of 16x16x16 each"},
		{"Intel", vk.Matrices{M: 8, N: 16, K: 16}, 16, 64 << 10, 1024, 9, "64x64x32, 4x2 of 8x16x16 each"},
		{"lavapipe", vk.Matrices{M: 8, N: 8, K: 8}, 8, 32 << 10, 1024, 7, "64x64x32, 2x2 of 8x8x8 each"},
		{"least limits", vk.Matrices{M: 16, N: 16, K: 16}, 32, 16 << 10, 128, 4, "64x64x32, 2x2 of 16x16x16 each"},
		{"terms that don't divide a step", vk.Matrices{M: 16, N: 16, K: 12}, 32, 48 << 10, 1024, 0, ""},
		{"large matrices", vk.Matrices{M: 32, N: 8, K: 32}, 32, 48 << 10, 1024, 4, "64x64x32, 1x4 of 32x8x32 each"},
		{"none", vk.Matrices{}, 32, 48 << 10, 1024, 0, ""},
	} {
		l := &vk.Limits{MaxComputeSharedMemorySize: c.shared, MaxComputeWorkGroupInvocations: c.threads, MaxComputeWorkGroupSize: [3]uint32{c.threads, 64, 64}}
		all := matrixTiles(c.m, c.subgroup, l)
		if len(all) != c.want || len(all) > 0 && all[0].String() != c.firstTile {
			t.Errorf("%s: %d tiles, want %d with %s first: %v", c.name, len(all), c.want, c.firstTile, all)
		}
		for _, x := range all {
			subgroups := x.bm / (x.tm * c.m.M) * (x.bn / (x.tn * c.m.N))
			if x.threads != subgroups*c.subgroup || x.threads%x.bn != 0 || x.bm%(x.tm*c.m.M) != 0 || x.bn%(x.tn*c.m.N) != 0 || x.bk%c.m.K != 0 || !x.fits(l) {
				t.Errorf("%s: %v with %d threads", c.name, x, x.threads)
			}
		}
	}
}
