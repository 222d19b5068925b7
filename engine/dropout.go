package engine

// Dropout masks are a pure function of (seed, step, layer, unit), so that they
// are the same on every device and placement, are never stored, and survive a
// resume. The generator is SplitMix64 (Steele, Lea, Flood 2014) read at a
// counter.

const golden = 0x9e3779b97f4a7c15

// mix64 is SplitMix64's finaliser.
func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// DropoutKey is the state from which a layer's mask of one step is drawn.
func DropoutKey(s Step, layer uint64) uint64 {
	return mix64(mix64(mix64(s.Seed+golden)^s.Number) + golden ^ layer)
}

// Key is the state from which this op's masks of one run are drawn, with the
// run's place in the batch folded in: index n·Width + First + j belongs to the
// run's n-th image.
func (o Dropout) Key(s Step) uint64 {
	if o.AllRanks {
		s.Image = 0
	}
	return DropoutKey(s, o.Layer) + s.Image*uint64(o.Width)*golden
}

// DropoutKeeps reports whether the unit at index keeps its value; it is false
// with probability rate (to within 2⁻³²).
func DropoutKeeps(key, index uint64, rate float32) bool {
	return mix64(key+(index+1)*golden)>>32 >= uint64(float64(rate)*(1<<32))
}
