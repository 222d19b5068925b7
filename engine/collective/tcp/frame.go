package tcp

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// kind is the kind of a frame. Ranks send rank 0 their part of a call; rank 0 answers
// with a frame of the same kind.
type kind uint8

const (
	kindGather kind = 1 + iota
	kindBroadcast
	kindEnd   // the job ends; the body gives the reason
	kindLeave // the rank has closed; rank 0 answers when all have

	// On the connection for values.
	kindSum
	kindAllGather
	kindAllToAll
)

// String names a call for messages.
func (k kind) String() string {
	switch k {
	case kindGather:
		return "a gather"
	case kindBroadcast:
		return "a broadcast"
	case kindSum:
		return "a sum of gradients"
	case kindAllGather, kindAllToAll:
		return "an exchange of activations"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// header is the beginning of every frame.
type header struct {
	kind  kind
	root  uint32 // of a broadcast
	round uint64 // the number of the call on its connection
	count uint64 // bytes of the body; in a call on values, their number
}

// headerSize is in bytes: the fields in order, little-endian.
const headerSize = 1 + 4 + 8 + 8

// largestBody limits the bytes of one call, answers included.
const largestBody = 1 << 30

func (h header) append(b []byte) []byte {
	b = append(b, byte(h.kind))
	b = binary.LittleEndian.AppendUint32(b, h.root)
	b = binary.LittleEndian.AppendUint64(b, h.round)
	return binary.LittleEndian.AppendUint64(b, h.count)
}

func readHeader(r io.Reader) (header, error) {
	var b [headerSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return header{}, err
	}
	h := header{kind: kind(b[0]), root: binary.LittleEndian.Uint32(b[1:]), round: binary.LittleEndian.Uint64(b[5:]), count: binary.LittleEndian.Uint64(b[13:])}
	if h.kind < kindGather || h.kind > kindAllToAll {
		return h, fmt.Errorf("a frame of %v: want 1 to %d", h.kind, uint8(kindAllToAll))
	}
	return h, nil
}

// frame is a message on the control connection.
type frame struct {
	header
	body []byte
}

// readFrame reads a frame. Its memory grows as the bytes come.
func readFrame(r io.Reader) (frame, error) {
	h, err := readHeader(r)
	if err != nil {
		return frame{}, err
	}
	if h.kind >= kindSum || h.count > largestBody {
		return frame{}, fmt.Errorf("a frame about %v of %d bytes among those of calls on at most %d bytes", h.kind, h.count, largestBody)
	}
	f := frame{header: h}
	for n := int(h.count); len(f.body) < n; {
		begin := len(f.body)
		f.body = slices.Grow(f.body, min(n-begin, max(begin, 4096)))
		f.body = f.body[:min(n, cap(f.body))]
		if _, err := io.ReadFull(r, f.body[begin:]); err != nil {
			return frame{}, err
		}
	}
	return f, nil
}
