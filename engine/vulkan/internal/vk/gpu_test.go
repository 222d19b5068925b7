package vk

import "testing"

// TestMemoryTypes chooses among the kinds of memory that drivers list.
func TestMemoryTypes(t *testing.T) {
	const gib = 1 << 30
	const local, seen, cached = memoryDeviceLocal, memoryHostVisible | memoryHostCoherent, memoryHostVisible | memoryHostCoherent | memoryHostCached
	const uncached = 0xc0 // AMD's, which wants a feature
	memory := func(heaps []uint64, types ...memoryType) (m physicalDeviceMemoryProperties) {
		m.MemoryTypeCount, m.MemoryHeapCount = uint32(copy(m.MemoryTypes[:], types)), uint32(len(heaps))
		for i, size := range heaps {
			m.MemoryHeaps[i].Size = size
		}
		return m
	}
	// Of three drivers: heap 0 on a card, heap 1 the host's, heap 2 a window onto the card.
	nvidia := memory([]uint64{24 * gib, 32 * gib, gib / 4}, memoryType{0, 1}, memoryType{local, 0}, memoryType{seen, 1}, memoryType{cached, 1}, memoryType{local | seen, 2})
	amd := memory([]uint64{16 * gib, 32 * gib, gib / 4}, memoryType{local | uncached, 0}, memoryType{local, 0}, memoryType{seen | uncached, 1}, memoryType{seen, 1}, memoryType{local | seen, 2}, memoryType{cached, 1})
	shared := memory([]uint64{gib / 2, 16 * gib}, memoryType{local, 0}, memoryType{local | seen, 0}, memoryType{seen, 1}, memoryType{cached, 1})
	one := memory([]uint64{8 * gib}, memoryType{local | cached, 0})
	least := memory([]uint64{8 * gib, 8 * gib}, memoryType{local, 0}, memoryType{seen, 1})
	for _, c := range []struct {
		name    string
		memory  physicalDeviceMemoryProperties
		allowed uint32
		kind    Kind
		host    bool
		bytes   uint64
		want    int
		largest uint64
	}{
		{"NVIDIA's", nvidia, ^uint32(0), Discrete, false, gib, 1, 24 * gib},
		{"NVIDIA's for the host", nvidia, ^uint32(0), Discrete, true, gib, 3, 32 * gib},
		{"more than on the card", nvidia, ^uint32(0), Discrete, false, 25 * gib, -1, 24 * gib},
		{"AMD's", amd, ^uint32(0), Discrete, false, gib, 1, 16 * gib},
		{"AMD's for the host", amd, ^uint32(0), Discrete, true, gib, 5, 32 * gib},
		{"a buffer that may not be cached", amd, 1<<2 | 1<<3, Discrete, true, gib, 3, 32 * gib},
		{"shared", shared, ^uint32(0), Integrated, false, gib / 4, 0, gib / 2},
		{"shared, more than its own", shared, ^uint32(0), Integrated, false, gib, 2, 16 * gib},
		{"shared, more than there is", shared, ^uint32(0), Integrated, false, 17 * gib, -1, 16 * gib},
		{"one kind", one, 1, Software, false, gib, 0, 8 * gib},
		{"one kind for the host", one, 1, Software, true, gib, 0, 8 * gib},
		{"no cached memory", least, 3, Discrete, true, gib, 1, 8 * gib},
	} {
		g := &GPU{Kind: c.kind}
		if kind, largest := memoryTypeFor(c.memory, c.allowed, c.bytes, g.wishes(c.host)); kind != c.want || largest != c.largest {
			t.Errorf("%s: type %d of a heap of %d bytes, want %d of %d", c.name, kind, largest, c.want, c.largest)
		}
	}
}
