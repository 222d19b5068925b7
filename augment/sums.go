package augment

// Sums are the exact first and second moments of RGB bytes. They are integers,
// so they don't depend on the order or number of workers that made them; a
// uint64 holds 1.28 M pictures of 256×256 four thousand times over.
type Sums struct {
	Pixels   uint64       `json:"pixels"`
	Sum      [3]uint64    `json:"sum"`      // Σ r, Σ g, Σ b
	Products [3][3]uint64 `json:"products"` // Σ cᵢ·cⱼ, symmetric
}
