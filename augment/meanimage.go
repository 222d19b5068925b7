package augment

import "fmt"

// MeanImage adds up pictures of one size position by position, exactly: the
// result doesn't depend on order or number of workers. It is not safe for
// concurrent use; each worker keeps its own and they are merged at the end.
type MeanImage struct {
	Size   int      // pixels a side
	Images uint64   // pictures added
	Sum    []uint64 // (size, size, 3)
}

// NewMeanImage makes the sum of no pictures of size×size pixels.
func NewMeanImage(size int) *MeanImage {
	return &MeanImage{Size: size, Sum: make([]uint64, size*size*3)}
}

// Add counts one picture. It panics when rgb has another size.
func (m *MeanImage) Add(rgb []byte) {
	if len(rgb) != len(m.Sum) {
		panic(fmt.Sprintf("augment: MeanImage.Add: %d bytes, want %d² pixels", len(rgb), m.Size))
	}
	for i, v := range rgb {
		m.Sum[i] += uint64(v)
	}
	m.Images++
}

// Merge adds the pictures that o has counted. It panics when o has another size.
func (m *MeanImage) Merge(o *MeanImage) {
	if o.Size != m.Size {
		panic(fmt.Sprintf("augment: MeanImage.Merge: %d² pixels into %d²", o.Size, m.Size))
	}
	for i, v := range o.Sum {
		m.Sum[i] += v
	}
	m.Images += o.Images
}

// Mean returns the mean picture, (size, size, 3) in 0–255 units; zeros if no picture
// has been added.
func (m *MeanImage) Mean() []float32 {
	mean := make([]float32, len(m.Sum))
	if m.Images > 0 {
		for i, v := range m.Sum {
			mean[i] = float32(float64(v) / float64(m.Images))
		}
	}
	return mean
}
