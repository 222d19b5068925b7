// A product of matrices in tiles: C[m,j] = Σ A[m,k]·B[k,j] for k from first to end,
// with tiles of A and B in shared memory and TM×TN sums an invocation. Whoever
// includes this has defined
//
//	A_ALONG_K, B_ALONG_K   whether neighbours in memory are neighbours in k
//	void column(uint j)    called before loadB with that j
//	float loadA(uint m, uint k), loadB(uint k, uint j)
//	void store(uint m, uint j, float sum)
//
// Tiles are numbered over a grid of two dimensions, row by row of C. The order of a
// sum depends on first and end alone: BK terms at a time, and then those sums, which
// keeps what long sums lose to rounding small. The compiler has no say in that, so all
// tiles of one BK have the same bits. BN divides THREADS, which is BM/TM · BN/TN. With
// MATRICES the device multiplies small matrices by itself: see matrices.glsl.
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint THREADS = 256;
layout(constant_id = 1) const uint BM = 64;
layout(constant_id = 2) const uint BN = 64;
layout(constant_id = 3) const uint BK = 16;
layout(constant_id = 4) const uint TM = 4;
layout(constant_id = 5) const uint TN = 4;
#ifdef MATRICES
layout(constant_id = 6) const uint MM = 16;
layout(constant_id = 7) const uint MN = 16;
layout(constant_id = 8) const uint MK = 16;
#include "matrices.glsl"
#else

// A column of padding spreads what neighbours write over the banks.
shared float tileA[BK * (BM + 1)];
shared float tileB[BK * (BN + 1)];

void multiply(uint M, uint N, uint first, uint end) {
	uint t = gl_LocalInvocationID.x;
	uint at = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x, across = (N + BN - 1) / BN;
	uint m0 = at / across * BM, j0 = at % across * BN;
	if (m0 >= M) return; // the whole workgroup
	uint rows = BM / TM, columns = BN / TN;
	uint row = t / columns, col = t % columns;
	float sums[TM * TN];
	for (uint i = 0; i < TM * TN; i++) sums[i] = 0.0;

	if (!B_ALONG_K) column(min(j0 + t % BN, N - 1));
	for (uint k0 = first; k0 < end; k0 += BK) {
		for (uint e = t; e < BM * BK; e += THREADS) {
			uint m = A_ALONG_K ? e / BK : e % BM;
			uint k = A_ALONG_K ? e % BK : e / BM;
			tileA[k * (BM + 1) + m] = m0 + m < M && k0 + k < end ? loadA(m0 + m, k0 + k) : 0.0;
		}
		for (uint e = t; e < BN * BK; e += THREADS) {
			uint j = B_ALONG_K ? e / BK : e % BN;
			uint k = B_ALONG_K ? e % BK : e / BN;
			if (B_ALONG_K) column(j0 + j);
			tileB[k * (BN + 1) + j] = j0 + j < N && k0 + k < end ? loadB(k0 + k, j0 + j) : 0.0;
		}
		barrier();
		precise float parts[TM * TN];
		for (uint i = 0; i < TM * TN; i++) parts[i] = 0.0;
		for (uint k = 0; k < BK; k++) {
			float a[TM], b[TN];
			for (uint i = 0; i < TM; i++) a[i] = tileA[k * (BM + 1) + row + i * rows];
			for (uint j = 0; j < TN; j++) b[j] = tileB[k * (BN + 1) + col + j * columns];
			for (uint i = 0; i < TM; i++)
				for (uint j = 0; j < TN; j++) parts[i * TN + j] = fma(a[i], b[j], parts[i * TN + j]);
		}
		for (uint i = 0; i < TM * TN; i++) sums[i] += parts[i];
		barrier();
	}
	for (uint i = 0; i < TM; i++)
		for (uint j = 0; j < TN; j++) {
			uint m = m0 + row + i * rows, n = j0 + col + j * columns;
			if (m < M && n < N) store(m, n, sums[i * TN + j]);
		}
}
#endif
