package vulkan

import "alexnet/engine/vulkan/internal/vk"

// share divides a tile of bm×bn sums over the subgroups of a workgroup: rows×columns of
// them.
type share struct{ bm, bn, rows, columns uint32 }

// shares lists the tiles of the device's own matrices, in numberTiles' order.
var shares = []share{
	{64, 64, 2, 2},
	{64, 64, 4, 4},
	{64, 64, 4, 2},
	{32, 32, 2, 2},
	{32, 32, 4, 4},
	{16, 32, 1, 2},
	{16, 16, 1, 1},
	{16, 16, 2, 2},
	{128, 128, 4, 2},
	{128, 128, 4, 4},
	{128, 64, 4, 2},
}

// matrixBK is the number of terms of a step in all of these.
const matrixBK = 32

// matrixTiles returns the tiles of a device's matrices that it can run. A subgroup makes
// whole matrices, and an invocation stays in its column.
func matrixTiles(m vk.Matrices, subgroup uint32, l *vk.Limits) (all []tile) {
	if m == (vk.Matrices{}) || matrixBK%m.K != 0 {
		return nil
	}
	for _, s := range shares {
		t := tile{
			threads: subgroup * s.rows * s.columns, bm: s.bm, bn: s.bn, bk: matrixBK,
			tm: s.bm / m.M / s.rows, tn: s.bn / m.N / s.columns, matrices: m,
		}
		if t.tm*m.M*s.rows == s.bm && t.tn*m.N*s.columns == s.bn && t.tm*t.tn > 0 && t.threads%t.bn == 0 && t.fits(l) {
			all = append(all, t)
		}
	}
	return all
}
