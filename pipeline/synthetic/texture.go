package synthetic

// Texture coordinates are fixed-point numbers of texture cells.
const (
	cell     = 1 << 16
	cellMask = cell - 1
	half     = cell / 2
)

// texture is one class. inside reports which of two colours the texture has at (u, v);
// cells scales the texture so that all classes look equally coarse.
type texture struct {
	name   string
	cells  float64 // size of a cell relative to the common one
	inside func(u, v int32) bool
}

// textures is sorted by name, so that labels are the same here and from sorted folders.
var textures = []texture{
	{"bricks", 1.2, bricks},
	{"checks", 1.3, checks},
	{"crosses", 1.1, crosses},
	{"dots", 1, dots},
	{"rings", 1.2, rings},
	{"scales", 1.2, scales},
	{"stripes", 0.8, stripes},
	{"triangles", 1.1, triangles},
	{"waves", 0.9, waves},
	{"weave", 1.3, weave},
}

// Classes are the names of the classes, sorted.
func Classes() []string {
	names := make([]string, len(textures))
	for i, t := range textures {
		names[i] = t.name
	}
	return names
}

// centred returns the position within a cell, from its middle.
func centred(u int32) int32 { return u&cellMask - half }

func abs(u int32) int32 { return max(u, -u) }

// distance2 returns the squared distance of (du, dv) from 0, in units of cell².
func distance2(du, dv int32) int64 { return int64(du)*int64(du) + int64(dv)*int64(dv) }

// within reports whether d2 is less than the square of percent of a cell.
func within(d2 int64, percent int64) bool {
	r := percent * cell / 100
	return d2 < r*r
}

// bricks are in rows half a cell high; every other row is shifted by half a brick.
func bricks(u, v int32) bool {
	row := v >> 15
	u += (row & 1) * half
	return u&cellMask > cell/10 && v&(half-1) > cell/10
}

func checks(u, v int32) bool { return (u>>15+v>>15)&1 == 0 }

func crosses(u, v int32) bool {
	du, dv := abs(centred(u)), abs(centred(v))
	return min(du, dv) < cell/9 && max(du, dv) < cell*2/5
}

func dots(u, v int32) bool { return within(distance2(centred(u), centred(v)), 34) }

func rings(u, v int32) bool {
	d := distance2(centred(u), centred(v))
	return within(d, 44) && !within(d, 24)
}

// scales are the outlines of discs in shifted rows, each row half over the previous one,
// like a fish's.
func scales(u, v int32) bool {
	for _, row := range [2]int32{v>>15 + 1, v >> 15} {
		d := distance2(centred(u+(row&1)*half), v-row*half)
		if within(d, 50) {
			return !within(d, 36)
		}
	}
	return true
}

func stripes(u, v int32) bool { return v&cellMask < half }

// triangles halves the cells of a skewed lattice along their diagonal.
func triangles(u, v int32) bool { return (u-v>>1)&cellMask+v&cellMask < cell }

// waves are stripes that deviate by 0.3 of a cell, along arcs of parabolas.
func waves(u, v int32) bool {
	t := int64(u & (half - 1))
	swing := int32(t * (half - t) * 16 / cell * 3 / 10)
	if u&half != 0 {
		swing = -swing
	}
	return (v+swing)&cellMask < half
}

// weave has three stripes a cell, horizontal in one cell and vertical in the next.
func weave(u, v int32) bool {
	if (u>>16+v>>16)&1 == 0 {
		u = v
	}
	return (u&cellMask)*3&cellMask < cell*11/20
}
