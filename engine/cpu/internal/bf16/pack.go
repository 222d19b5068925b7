package bf16

func turnPairsGo(dst *uint32, ldd int, src *uint16, lds int, rows, n int) {
	for r := range rows {
		for i := 0; i < n; i += 2 {
			v := uint32(*At(src, r*lds+i))
			if i+1 < n {
				v |= uint32(*At(src, r*lds+i+1)) << 16
			}
			*At(dst, i/2*ldd+r) = v
		}
	}
}

func turnWordsGo(dst *uint16, ldd int, src *uint16, lds int, rows, columns int) {
	for r := range rows {
		for c := range columns {
			*At(dst, c*ldd+r) = *At(src, r*lds+c)
		}
	}
}

func interleaveGo(dst *uint32, ldd int, src *uint16, lds int, rows, n int) {
	for r := 0; r < rows; r += 2 {
		for j := range n {
			v := uint32(*At(src, r*lds+j))
			if r+1 < rows {
				v |= uint32(*At(src, (r+1)*lds+j)) << 16
			}
			*At(dst, r/2*ldd+j) = v
		}
	}
}
