"""Runs functions of another process on Bochs' processor, which has AVX-512 and AVX512_BF16.

usage: bochs.py PID FUNCTIONS. FUNCTIONS are "address:bytes" in hexadecimal, with commas between: where each begins, and
what stood there before it was made to raise a signal. Each call is two numbers of eight bytes on standard input, where
it begins and its stack pointer; the answer on standard output is 0 when it has returned, and otherwise what it raised.

Memory is read from the process when the code asks for it, and what has changed is written back at the end of a call.
"""
import ctypes
import os
import struct
import sys

import bochscpu
from bochscpu import cpu, memory

PAGE, GIB = 4096, 1 << 30
LEVELS = 0x1000  # where the page tables begin, in the first GiB, which no program uses so low
END = 0x10000  # where a function returns to
TABLE, LARGE = 7, 0x87  # present, writable, of the user; one entry for a whole GiB


class Processor:
    def __init__(self, pid, functions):
        self.memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
        self.maps = f"/proc/{pid}/maps"
        self.functions = functions
        self.slots, self.tables = {}, {}  # GiB of the process to GiB here, and upper entries to their tables
        self.pages = {}  # address here: address there, memory, contents before
        self.free = []
        self.session = bochscpu.Session()
        self.session.missing_page_handler = self.missing
        self.hook = bochscpu.Hook()
        self.hook.exception = self.exception
        self.insert(LEVELS, bytes(PAGE))
        self.reach(0)
        self.insert(END, b"\xf4" * PAGE)  # HLT, which programs may not
        self.state = self.first_state()
        self.failure = 0
        self.code = []  # what of the process is code, which stays

    def first_state(self):
        s = bochscpu.State()
        cpu.set_long_mode(s)
        s.cr3 = LEVELS
        s.cr4 |= 1 << 9 | 1 << 10 | 1 << 18  # SSE, and the registers that XCR0 names
        s.xcr0 = 0xE7
        s.mxcsr = 0x1F80
        s.rflags = 2
        for name in ("cs", "ds", "es", "ss", "fs", "gs"):
            segment = bochscpu.Segment()
            segment.present, segment.base, segment.limit = True, 0, 0xFFFFFFFF
            segment.selector, segment.attr = (0x33, 0xA0FB) if name == "cs" else (0x2B, 0xC0F3)
            setattr(s, name, segment)
        s.gdtr = s.idtr = bochscpu.GlobalSegment()
        return s

    def insert(self, at, contents):
        host = self.free.pop() if self.free else memory.allocate_host_page()
        ctypes.memmove(host, contents, PAGE)
        memory.page_insert(at, host)
        return host

    def reach(self, gib):
        """Gives a GiB of the process a place in the tables."""
        upper = gib >> 9
        if upper not in self.tables:
            at = LEVELS + PAGE * (len(self.tables) + 1)
            self.tables[upper] = self.insert(at, bytes(PAGE))
            self.put(memory.phy_translate(LEVELS), upper, at | TABLE)
        self.slots[gib] = len(self.slots)
        self.put(self.tables[upper], gib & 511, self.slots[gib] * GIB | LARGE)

    def put(self, table, i, entry):
        ctypes.memmove(table + 8 * i, struct.pack("<Q", entry), 8)

    def place(self, address):
        return self.slots[address // GIB] * GIB + address % GIB

    def missing(self, at):
        at &= -PAGE
        gib = next(g for g, slot in self.slots.items() if slot == at // GIB)
        address = gib * GIB + at % GIB
        try:
            contents = os.pread(self.memory, PAGE, address)
        except OSError:
            contents, self.failure = b"", address or 1
        contents = contents.ljust(PAGE, b"\0")
        for f, bytes_before in self.functions.items():
            for i, b in enumerate(bytes_before):
                if address <= f + i < address + PAGE:
                    contents = contents[: f + i - address] + bytes([b]) + contents[f + i - address + 1 :]
        self.pages[at] = address, self.insert(at, contents), contents

    def exception(self, session, _, vector, error):
        if session.cpu.rip & -PAGE != END:
            self.failure = self.failure or session.cpu.rip
        session.stop()

    def call(self, begin, stack):
        if begin not in self.functions:
            return begin
        self.failure = 0
        self.code = []
        for line in open(self.maps):
            where, rights = line.split()[:2]
            low, high = (int(x, 16) for x in where.split("-"))
            if "x" in rights:
                self.code.append((low, high))
            for gib in range(low // GIB, min((high - 1) // GIB + 1, 1 << 17)):
                if gib not in self.slots and len(self.slots) < 1024:
                    self.reach(gib)
        at = self.place(stack & -PAGE)
        self.missing(at)
        address, host, before = self.pages[at]
        back = stack - address
        before = before[:back] + struct.pack("<Q", END) + before[back + 8 :]
        ctypes.memmove(host, before, PAGE)
        self.pages[at] = address, host, before
        s = self.state
        s.rip, s.rsp = begin, stack
        self.session.cpu.state = s  # which empties the processor's own table of pages
        self.session.run([self.hook])
        self.leave()
        return self.failure

    def leave(self):
        """Writes back what has changed, and forgets what isn't code."""
        if self.failure:
            return
        for at, (address, host, before) in list(self.pages.items()):
            after = ctypes.string_at(host, PAGE)
            if after != before:
                for i in range(0, PAGE, 64):
                    if after[i : i + 64] != before[i : i + 64]:
                        for j in range(i, i + 64):
                            if after[j] != before[j]:
                                os.pwrite(self.memory, after[j : j + 1], address + j)
            if not any(low <= address < high for low, high in self.code):
                memory.page_remove(at)
                self.free.append(host)
                del self.pages[at]


def main():
    functions = {}
    for f in sys.argv[2].split(","):
        address, before = f.split(":")
        functions[int(address, 16)] = bytes.fromhex(before)
    p = Processor(int(sys.argv[1]), functions)
    while call := sys.stdin.buffer.read(16):
        failure = p.call(*struct.unpack("<QQ", call))
        os.write(1, struct.pack("<Q", failure))
    os._exit(0)  # the library would list what Python hasn't freed


if __name__ == "__main__":
    main()
