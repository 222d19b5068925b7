// Package cpu runs the engine's ops on the machine's processors, without cgo.
//
// A context is a queue, an arena and a team of goroutines. One goroutine takes
// commands from the queue in order; a program is a list of stages, and each
// stage a parallel loop over parts that the shapes alone determine. A part
// computes its results by itself, sums included, so results are the same bit
// for bit on any number of threads. Running a program allocates nothing.
//
// # Matrix products
//
// Everything heavy is one blocked product (gemm.go) around a kernel whose tile of
// results stays in registers: 6×16 with AVX2, 12×32 with AVX-512. Operands are packed into panels first; what the last
// panel holds beyond the operand is computed and thrown away. Blocks are sized
// by cache: a panel of B for the first level, a block of A for the second.
//
//   - A convolution packs the patches of a tile of output pixels straight from
//     the image. The tile's input is first copied to a slab with its zero
//     padding (slab.go), in which what one weight meets is contiguous for every
//     output row. With a stride s the slab stores each row as s phases, so that
//     the 11×11 kernel of stride 4 packs by plain copies too.
//   - The gradient of its input, at stride 1, is the same correlation with the
//     weights turned by 180°; at other strides Wᵀ·DY is added back piece by
//     piece.
//   - The gradient of its weights is DY·patchesᵀ in fixed chunks of images,
//     whose partial sums are added in order.
//   - Of 3×3 or 5×5 and stride 1, with enough maps and pixels, all three go
//     through Winograd's filtering F(2×2, 3×3) or F(2×2, 5×5) instead (winograd.go,
//     winogradgrad.go); what doesn't come out finite is computed again as above.
//   - A dense layer packs its input whole and reads its weights once; few images
//     meet the weights unpacked, as dot products.
//
// A program that only infers keeps the weights of convolutions packed, and
// transformed, from one run to the next (constants.go), in bfloat16 too, so that Winograd's filtering
// pays for a single image too. Where a batch makes few blocks of tiles, these are
// divided over their maps as well, so that all threads have work.
//
// A ReLU in place right after a product runs while the tile is in cache.
//
// # bfloat16
//
// With Options.Precision "bf16" activations, their gradients and the factors of
// products are bfloat16; sums, losses, momentum, master weights and their gradients
// stay float32 (narrow*.go, kernels in internal/bf16). Tensors are stored with their
// maps last, so that the depth of a product is contiguous and nothing of a
// convolution's input is packed: tiles read the slab as it lies, and a stride s is
// folded away, s² pixels becoming one of s² times as many maps. A row of B is a pair
// of neighbours in depth, for AVX512_BF16 and for AMX alike; the gradient of weights
// turns DY and pairs neighbouring pixels of the slab.
//
// A parameter is stored in two halves (bf16.Split): the nearest bfloat16, which is
// the working copy, and what a float32 has besides. So the update, which reads and
// writes both, keeps the copy for nothing, and weights take 4 bytes, not 6.
//
// AMX's tiles are configured and released within one call of a kernel, which Go
// doesn't preempt, so goroutines need not keep to a thread. Linux has to permit them;
// where it doesn't the context computes with AVX512_BF16. Sums have an order of their
// own in each set: VDPBF16PS adds the second product of a pair first, AMX sums a
// tile's evens and odds apart. The portable set has VDPBF16PS's, bit for bit.
// internal/trap runs AMX's machine code in tests on any processor, and AVX-512's on
// Bochs. On arm64 products use BFDOT, which rounds sums to odd, and the rest is Go.
//
// # What bounds each kernel
//
// The matrix kernel: the two FMA units (98 % of a register-only loop with its
// operands in the first-level cache, 94 % in place; the rest is packing, and
// tiles that stick out: 169 pixels of a 13² map take 176 columns, 128 maps take
// 132 rows). Conv2–5: transforms and packing, a quarter of their time. Fc6
// forward: turning 151 MB of weights; on one image, reading them. LRN: division and
// square roots; a window's squares are summed afresh, since a running sum would
// keep the infinities of maps that have left it. Pooling: comparisons that carry positions along.
// Update, activation and dropout at test: memory.
//
// # Kernels
//
// Kernels live in internal/kernel. A set of kernels is data: functions, the sizes
// of the matrix kernel's tile, the blocks that fit the caches, and the loop that
// measures the peak. One set is portable Go; the others (AVX2 with FMA, AVX-512)
// are assembly that _generate writes with avo, one file and one row of a table a
// set. A set may take kernels of another one where its own would be no faster. The fastest
// that the machine can run is chosen by itself, Options.Kernels names another
// one, and the build tag noasm leaves portable Go alone. Every test of kernels
// and the conformance suite run over every set that the machine can run.
//
// Results are the same bit for bit within a set. Two sets round in different
// places, and so differ in the last bits.
package cpu
