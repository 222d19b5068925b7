package engine

import "slices"

// AllocateHost returns n bytes of the host's memory, of the kind from which a
// batch's pixels reach the devices fastest. Their contents are undefined. They
// last until Close, and are the caller's until ReturnHost.
func (m *Model) AllocateHost(n int) ([]byte, error) {
	if i := slices.IndexFunc(m.spare, func(b []byte) bool { return len(b) == n }); i >= 0 {
		b := m.spare[i]
		m.spare = slices.Delete(m.spare, i, i+1)
		return b, nil
	}
	if a, ok := m.contexts[0].(HostAllocator); ok {
		return a.AllocateHost(n)
	}
	return make([]byte, n), nil
}

// ReturnHost gives bytes from AllocateHost back, for a later AllocateHost of as
// many: contexts have no other use for them. No step under way reads them.
func (m *Model) ReturnHost(b []byte) { m.spare = append(m.spare, b) }
