//go:build linux

package platforms

import (
	"bytes"
	"encoding/binary"
)

// forwarder is a Windows library without code, whose one function is another
// library's. Debian's wine lacks bcryptprimitives.dll, which Go's programs ask
// for random numbers; advapi32.dll has the same function under another name.
// The format: https://learn.microsoft.com/windows/win32/debug/pe-format.
func forwarder(library, function, to string) []byte {
	const (
		headers = 0x200  // bytes before the section, in the file
		section = 0x1000 // where it lies in memory
		size    = 0x200  // of the section
	)
	w := new(bytes.Buffer)
	put := func(values ...any) {
		for _, v := range values {
			binary.Write(w, binary.LittleEndian, v)
		}
	}
	w.WriteString("MZ")
	w.Write(make([]byte, 58))
	put(uint32(64))
	w.WriteString("PE\x00\x00")
	put(uint16(0x8664), uint16(1), uint32(0), uint32(0), uint32(0), uint16(240), uint16(0x2022)) // amd64, one section, a DLL
	put(uint16(0x20b), uint16(0), uint32(0), uint32(size), uint32(0), uint32(0), uint32(section))
	put(uint64(0x180000000), uint32(0x1000), uint32(0x200))
	put(uint16(6), uint16(0), uint16(0), uint16(0), uint16(6), uint16(0), uint32(0))
	put(uint32(2*section), uint32(headers), uint32(0), uint16(3), uint16(0x100))
	put(uint64(1<<20), uint64(4096), uint64(1<<20), uint64(4096), uint32(0), uint32(16))
	put(uint32(section), uint32(size)) // the exports
	w.Write(make([]byte, 15*8))
	w.WriteString(".edata\x00\x00")
	put(uint32(size), uint32(section), uint32(size), uint32(headers), uint32(0), uint32(0), uint32(0), uint32(0x40000040))
	w.Write(make([]byte, headers-w.Len()))

	const functions, names, ordinals, texts = section + 40, section + 44, section + 48, section + 52
	name := uint32(texts + len(library) + 1)
	target := name + uint32(len(function)+1)
	put(uint32(0), uint32(0), uint32(0), uint32(texts), uint32(1), uint32(1), uint32(1), uint32(functions), uint32(names), uint32(ordinals))
	put(target, name, uint32(0))
	w.WriteString(library + "\x00" + function + "\x00" + to + "\x00")
	w.Write(make([]byte, headers+size-w.Len()))
	return w.Bytes()
}
