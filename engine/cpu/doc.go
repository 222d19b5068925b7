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
// All heavy work is one blocked product (gemm.go). Its kernel keeps a tile of results
// in registers: 6×16 with AVX2, 12×32 with AVX-512. Operands are packed into panels
// first; the part of the last panel beyond the operand is computed and not used. Caches
// set the sizes of blocks: a panel of B for the first level, a block of A for the second.
//
//   - A convolution packs the patches of a tile of output pixels straight from
//     the image. The tile's input is first copied, with its zero padding, to a slab
//     (slab.go). There the pixels that one weight multiplies are contiguous for every
//     output row. With a stride s the slab stores each row as s phases, so that
//     the 11×11 kernel of stride 4 packs by plain copies too.
//   - The gradient of its input, at stride 1, is the same correlation with the
//     weights turned by 180°; at other strides Wᵀ·DY is added back piece by
//     piece.
//   - The gradient of its weights is DY·patchesᵀ in fixed chunks of images,
//     whose partial sums are added in order.
//   - Convolutions of 3×3 or 5×5 and stride 1, with enough maps and pixels, use
//     Winograd's filtering for all three (winograd.go, winogradgrad.go): F(4×4, 3×3) or
//     F(4×4, 5×5) where their rounding allows, else F(2×2, 3×3) or F(2×2, 5×5). Results
//     that are not finite are computed again as above.
//   - A dense layer packs its whole input and reads its weights once. For few images
//     it computes dot products with the unpacked weights.
//
// A program that only infers keeps the packed and transformed weights of convolutions
// from one run to the next (constants.go), in bfloat16 those of dense layers too if it
// has few images. So Winograd's filtering pays
// even for a single image. Where a batch makes few blocks of tiles, these are also
// divided over their maps, so that all threads have work.
//
// A ReLU in place right after a product runs while the tile is in cache. Normalisation
// over maps and the max-pooling behind it run as one, and so do their gradients
// (lrnpool.go).
//
// # bfloat16
//
// With Options.Precision "bf16" activations, their gradients and the factors of
// products are bfloat16; sums, losses, momentum, master weights and their gradients
// stay float32 (narrow*.go, kernels in internal/bf16). Tensors are stored with their
// maps last, so that the depth of a product is contiguous and a convolution's input
// need not be packed: tiles read the slab directly. A stride s is folded away: s² pixels
// become one pixel with s² times as many maps. A row of B holds pairs of neighbours in
// depth, for AVX512_BF16 and for AMX; the gradient of weights transposes DY and pairs
// neighbouring pixels of the slab.
//
// A parameter is stored in two halves (bf16.Split): the nearest bfloat16, which is the
// working copy, and the rest of a float32. The update reads and writes both halves, so
// the working copy costs nothing, and a weight takes 4 bytes, not 6.
//
// AMX's tiles are configured and released within one call of a kernel. Go does not
// preempt such a call, so goroutines need no thread of their own. Linux must permit
// AMX; otherwise the context computes with AVX512_BF16. Each set has its own order of
// sums: VDPBF16PS adds the second product of a pair first, AMX adds the even and the
// odd products of a tile apart. The portable set has VDPBF16PS's order, bit for bit.
// Tests run AMX's machine code on any processor (internal/trap), and AVX-512's on
// Bochs. On arm64 products use BFDOT, which rounds sums to odd, and the rest is Go.
//
// # What bounds each kernel
//
// The matrix kernel: the two FMA units (98 % of a register-only loop with its
// operands in the first-level cache, 94 % in place; the rest is packing, and
// partly used tiles: 169 pixels of a 13² map take 176 columns, 128 maps take 132
// rows). Conv2–5: transforms and packing, a quarter of their time. Fc6 forward:
// transposing 151 MB of weights; on one image, reading them. LRN: division and square
// roots; the squares of a window are always added anew, since a running sum would keep
// the infinities of maps that have left it. Pooling: comparisons that carry positions
// along. Update, activation and dropout at test: memory.
//
// # Kernels
//
// Kernels live in internal/kernel. A set of kernels is data: functions, the sizes
// of the matrix kernel's tile, the blocks that fit the caches, and the loop that
// measures the peak. One set is portable Go. The others (AVX2 with FMA, AVX-512) are
// assembly that _generate writes with avo: one file and one row of a table for each
// set. A set may use kernels of another set where its own would be no faster. By
// default the fastest set that the machine can run is used; Options.Kernels names
// another one; with the build tag noasm only portable Go is there. All tests of kernels
// and the conformance suite run over every set that the machine can run.
//
// Results are the same bit for bit within a set. Two sets round in different
// places, and so differ in the last bits.
package cpu
