package jpeg

// errCode is returned for a code that is in no table.
var errCode = &Error{Damaged, "a bit pattern in its data is no code"}

// symbol reads a code, and returns the number of coefficients to skip, and of bits that
// follow.
func (g *general) symbol(t *huffman) (run int, size uint, err error) {
	g.refill(g.data)
	s := t.short[g.bits>>(64-lookBits)]
	if s == 0 {
		if s = t.long(g.bits); s == 0 {
			return 0, 0, errCode
		}
	}
	size = uint(s >> sizeShift & sizeMask)
	g.skip(uint(s&totalMask) - size)
	return int(s>>stepShift) - 1, size, nil
}

func (g *general) skip(n uint) {
	g.bits <<= n
	g.cursor.have -= n
}

// receive reads n bits, at most 16. They are in the cursor after a symbol.
func (g *general) receive(n uint) int32 {
	v := int32(g.bits >> 32 >> (32 - n))
	g.skip(n)
	return v
}

// extended reads a value of n bits: a first bit of 0 makes it negative (T.81,
// F.2.2.1).
func (g *general) extended(n uint) int32 {
	if n == 0 {
		return 0
	}
	v := g.receive(n)
	if v < 1<<(n-1) {
		v -= 1<<n - 1
	}
	return v
}

// block reads a scan's data of a block.
func (g *general) block(p *blocks, b []int16) error {
	switch {
	case g.first == 0 && g.refine:
		g.refill(g.data)
		b[0] |= int16(g.receive(1)) << g.low
		return nil
	case g.refine:
		return g.refineAC(p, b)
	}
	k := g.first
	if k == 0 {
		_, size, err := g.symbol(p.dc)
		if err != nil {
			return err
		}
		p.prediction += g.extended(size)
		b[0] = int16(p.prediction << g.low)
		k++
	}
	if g.last == 0 {
		return nil
	}
	if g.endRun > 0 {
		g.endRun--
		return nil
	}
	for ; k <= g.last; k++ {
		run, size, err := g.symbol(p.ac)
		if err != nil {
			return err
		}
		k += run
		switch {
		case size > 0:
			// Some encoders write coefficients beyond the end, and libjpeg accepts them.
			b[places[min(k, 63)]] = int16(g.extended(size) << g.low)
		case run < 15:
			if g.header.frame.marker == markSOF2 {
				g.endRun = 1<<run + int(g.receive(uint(run))) - 1
			}
			return nil
		}
	}
	return nil
}

// refineAC adds a bit to the coefficients of a block (T.81, G.1.2.3).
func (g *general) refineAC(p *blocks, b []int16) error {
	bit := int16(1) << g.low
	k := g.first
	for ; g.endRun == 0 && k <= g.last; k++ {
		run, size, err := g.symbol(p.ac)
		if err != nil {
			return err
		}
		value := int16(0)
		switch {
		case size > 1:
			return errCode
		case size == 1:
			value = bit
			if g.receive(1) == 0 {
				value = -bit
			}
		case run < 15:
			g.endRun = 1<<run + int(g.receive(uint(run)))
		}
		if g.endRun > 0 {
			break
		}
		k = g.correct(b, k, run, bit)
		if value != 0 {
			b[places[min(k, 63)]] = value
		}
	}
	if g.endRun > 0 {
		g.correct(b, k, -1, bit)
		g.endRun--
	}
	return nil
}

// correct reads a bit for each coefficient from the k-th on that isn't 0. It stops at the
// coefficient 0 that follows zeros others, or at the scan's last, and returns that
// position. If zeros is negative, it stops at the scan's last.
func (g *general) correct(b []int16, k, zeros int, bit int16) int {
	for ; k <= g.last; k++ {
		c := &b[places[k]]
		if *c == 0 {
			if zeros == 0 {
				break
			}
			zeros--
			continue
		}
		g.refill(g.data)
		if g.receive(1) == 0 || *c&bit != 0 {
			continue
		}
		if *c > 0 {
			*c += bit
		} else {
			*c -= bit
		}
	}
	return k
}
