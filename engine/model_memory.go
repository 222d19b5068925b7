package engine

import "slices"

// AllocateHost returns n bytes of host memory, of the kind from which pixels reach
// the devices fastest. Their contents are undefined. They last until Close; the
// caller owns them until ReturnHost.
func (m *Model) AllocateHost(n int) ([]byte, error) {
	if i := slices.IndexFunc(m.spare, func(b []byte) bool { return len(b) == n }); i >= 0 {
		b := m.spare[i]
		m.spare = slices.Delete(m.spare, i, i+1)
		return b, nil
	}
	if a, ok := m.contexts[0].(PinnedMemory); ok {
		return a.AllocateHost(n)
	}
	return make([]byte, n), nil
}

// ReturnHost returns bytes from AllocateHost, for a later AllocateHost of the same
// length. No step under way may read them.
func (m *Model) ReturnHost(b []byte) { m.spare = append(m.spare, b) }
