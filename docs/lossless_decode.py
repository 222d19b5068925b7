"""Decode lossless pictures with nothing but shard-format.md: python lossless_decode.py PICTURE… > PIXELS

PICTURE is a file that holds one value of the column "image"; PIXELS are RGB bytes, row by row.
"""
import sys
import zlib


def backward(data):
    """A huff0 or FSE stream as text: its bits, last byte first, after the highest set one. Zeros follow."""
    return bin(int.from_bytes(data, "little"))[3:]


def fse_weights(data):
    """The Huffman weights that RFC 8878, 4.2.1.2, describes: an FSE table, then two interleaved states."""
    bits, log, at = int.from_bytes(data, "little"), (data[0] & 15) + 5, 4
    left, counts = 1 << log, []
    while left > 0:
        n = (left + 1).bit_length()
        value, low, spare = bits >> at & (1 << n) - 1, (1 << n - 1) - 1, (1 << n) - 2 - left
        short = value & low < spare
        value, at = (value & low, at + n - 1) if short else (value - spare * (value > low), at + n)
        counts.append(value - 1)
        left -= abs(value - 1)
        while value == 1:  # a count of 0 is followed by how many more there are
            counts += [0] * (more := bits >> at & 3)
            at += 2
            if more < 3:
                break
    size, table, place = 1 << log, {}, 0
    rare = [s for s, c in enumerate(counts) if c < 0]
    table.update((size - 1 - i, s) for i, s in enumerate(rare))
    for s, c in enumerate(counts):
        for _ in range(c):
            table[place] = s
            place = (place + (size >> 1) + (size >> 3) + 3) % size
            while place >= size - len(rare):
                place = (place + (size >> 1) + (size >> 3) + 3) % size
    seen, steps = [abs(c) for c in counts], {}
    for state in range(size):
        s = table[state]
        n = log + 1 - seen[s].bit_length()
        steps[state] = s, n, (seen[s] << n) - size
        seen[s] += 1
    stream, weights = backward(data[(at + 7) // 8:]), []
    states, at = [int(stream[:log], 2), int(stream[log:2 * log], 2)], 2 * log
    while True:
        s, n, base = steps[states[0]]
        weights.append(s)
        states = [states[1], base + int("0" + stream[at:at + n].ljust(n, "0"), 2)]
        at += n
        if at > len(stream):
            return weights + [steps[states[0]][0]]


def huff0(data, count):
    """RFC 8878, 4.2: the weights of all symbols but the last, then four streams of codes."""
    head, data = data[0], data[1:]
    if head < 128:
        weights, data = fse_weights(data[:head]), data[head:]
    else:
        n = head - 127
        weights, data = [b >> s & 15 for b in data for s in (4, 0)][:n], data[(n + 1) // 2:]
    total = sum(1 << w - 1 for w in weights if w)
    depth = total.bit_length()
    weights.append(((1 << depth) - total).bit_length())
    codes = [(s, depth + 1 - w) for w in range(1, depth + 1) for s in range(len(weights)) if weights[s] == w
             for _ in range(1 << w - 1)]
    ends = [6]
    for i in range(3):
        ends.append(ends[-1] + int.from_bytes(data[2 * i:2 * i + 2], "little"))
    out = bytearray()
    for start, end in zip(ends, ends[1:] + [len(data)]):
        stream, at = backward(data[start:end]), 0
        length, stream = len(stream), stream + "0" * depth
        while at < length:
            s, n = codes[int(stream[at:at + depth], 2)]
            out.append(s)
            at += n
    assert len(out) == count, "a stream is too short or too long"
    return out


def decode(data):
    assert data[0] == 1 and zlib.crc32(data[7:]) == int.from_bytes(data[3:7], "little"), "wrong version or CRC"
    size, at, planes = data[1] | data[2] << 8, 7, []
    for _ in range(3):
        predictors, plane = data[at:at + (size + 3) // 4], bytearray()
        at += len(predictors)
        while len(plane) < size * size:
            count, kind = min(1 << 16, size * size - len(plane)), data[at]
            n = (count, 1, 2 + int.from_bytes(data[at + 1:at + 3], "little"))[kind]
            block = data[at + 1:at + 1 + n]
            plane += (lambda: block, lambda: block * count, lambda: huff0(block[2:], count))[kind]()
            at += 1 + n
        above = bytearray(size)
        for y in range(size):
            row, w, nw = plane[y * size:(y + 1) * size], above[0], above[0]
            for x, n in enumerate(above):
                guess = (w, n, w + n - nw)[predictors[y // 4] >> y % 4 * 2 & 3]
                row[x] = w = (row[x] + guess) % 256
                nw = n
            plane[y * size:(y + 1) * size] = above = row
        planes.append(plane)
    return bytes(v % 256 for g, r, b in zip(*planes) for v in (r + g, g, b + g))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with open(name, "rb") as file:
            sys.stdout.buffer.write(decode(file.read()))
