package resample

//go:generate go run -modfile=../../tools/generate/avo.mod ./_generate -pkg resample -out kernel_amd64.s -stubs kernel_stubs_amd64.go

// The number of taps of an output is a multiple of these, as the assembly needs.
const (
	xMultiple = 4
	yMultiple = 2
)

// horizontalGo overwrites out (three bytes for each of t's outputs, and one more) with
// weighted sums of line, RGB pixels whose first has number t.lo:
//
//	for i, c: out[3i+c] = clamp((Σk weights[i·n+k]·line[3(first[i]−lo+k)+c] + ½) >> bits)
func horizontalGo(out, line []byte, t *taps) {
	half := int32(1) << t.bits >> 1
	shift := uint(t.bits) & 31
	for i, first := range t.first {
		weights := t.weights[i*t.n:][:t.n]
		samples := line[3*(int(first)-t.lo):][:3*len(weights)]
		red, green, blue := half, half, half
		for _, w := range weights {
			w := int32(w)
			red += w * int32(samples[0])
			green += w * int32(samples[1])
			blue += w * int32(samples[2])
			samples = samples[3:]
		}
		pixel := out[3*i:][:3]
		pixel[0], pixel[1], pixel[2] = clamp(red>>shift), clamp(green>>shift), clamp(blue>>shift)
	}
}

// verticalGo overwrites out with weighted sums of rows that are stride apart; sums is
// scratch of the same length:
//
//	for j: out[j] = clamp((Σk weights[k]·rows[k·stride+j] + ½) >> bits)
func verticalGo(out []byte, sums []int32, rows []byte, stride int, weights []int16, bits int) {
	for j := range sums {
		sums[j] = int32(1) << bits >> 1
	}
	for k, w := range weights {
		if w == 0 {
			continue
		}
		row := rows[k*stride:][:len(sums)]
		for j, v := range row {
			sums[j] += int32(w) * int32(v)
		}
	}
	shift := uint(bits) & 31
	for j, s := range sums {
		out[j] = clamp(s >> shift)
	}
}

// clamp returns v held to 0–255.
func clamp(v int32) byte {
	if uint32(v) <= 255 {
		return byte(v)
	}
	return byte(^v >> 31)
}
