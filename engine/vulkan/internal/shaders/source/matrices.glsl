// product.glsl by the products of small matrices that a subgroup makes by itself: MM×MK
// times MK×MN, of float16, with sums in float32. A subgroup makes TM×TN of them.
//
// float16 holds fewer magnitudes than bfloat16, so a tile's numbers are scaled by the
// power of two that brings its largest to nearly float16's largest. What is above 2⁻²⁸
// of the largest keeps all of bfloat16's digits, weights keep eleven bits; the rest is
// less than what float32 sums lose. The sums of BK terms are scaled back and added up in
// float32, whatever the tile.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require

#define Sums coopmat<float, gl_ScopeSubgroup, MM, MN, gl_MatrixUseAccumulator>

// Rows are eight numbers longer, which keeps them aligned and spreads them over the banks.
const uint ROW_A = BK + 8, ROW_B = BN + 8;
const uint EACH_A = (BM * BK + THREADS - 1) / THREADS, EACH_B = (BN * BK + THREADS - 1) / THREADS;
const uint ACROSS = BN / (MN * TN), SUBGROUPS = BM / (MM * TM) * ACROSS;

shared float16_t tileA[BM * ROW_A]; // by rows
shared float16_t tileB[BK * ROW_B];
shared float result[SUBGROUPS * MM * MN];
shared uint tops[4]; // the exponents of the largest numbers of A and B, in turns

const uint EXPONENT = 0x7f800000u, BIAS = 127, LARGEST = 14; // of float16, less one

// exponentOf returns f's exponent in place; 0 for infinities and NaN.
uint exponentOf(float f) {
	uint e = floatBitsToUint(f) & EXPONENT;
	return e == EXPONENT ? 0 : e;
}

// narrow rounds f to float16's eleven bits, to nearest, ties to even: a device may cut
// them off, and many products of what is cut off are off to one side.
float16_t narrow(float f) {
	uint bits = floatBitsToUint(f);
	return float16_t(isNaN(f) ? f : uintBitsToFloat(bits + 0xfffu + (bits >> 13 & 1u) & ~0x1fffu));
}

// power2 is 2ⁿ for n from −126 to 127.
float power2(int n) { return uintBitsToFloat(uint(n + int(BIAS)) << 23); }

void multiply(uint M, uint N, uint first, uint end) {
	uint t = gl_LocalInvocationID.x;
	uint at = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x, across = (N + BN - 1) / BN;
	uint m0 = at / across * BM, j0 = at % across * BN;
	if (m0 >= M) return; // the whole workgroup
	uint row = gl_SubgroupID / ACROSS * TM * MM, col = gl_SubgroupID % ACROSS * TN * MN;
	Sums sums[TM * TN];
	for (uint i = 0; i < TM * TN; i++) sums[i] = Sums(0.0);
	if (t < 4) tops[t] = 0;
	barrier();

	if (!B_ALONG_K) column(min(j0 + t % BN, N - 1));
	uint turn = 0;
	for (uint k0 = first; k0 < end; k0 += BK) {
		float a[EACH_A], b[EACH_B];
		uint topA = 0, topB = 0;
		for (uint i = 0; i < EACH_A; i++) {
			uint e = i * THREADS + t;
			uint m = A_ALONG_K ? e / BK : e % BM;
			uint k = A_ALONG_K ? e % BK : e / BM;
			a[i] = e < BM * BK && m0 + m < M && k0 + k < end ? loadA(m0 + m, k0 + k) : 0.0;
			topA = max(topA, exponentOf(a[i]));
		}
		for (uint i = 0; i < EACH_B; i++) {
			uint e = i * THREADS + t;
			uint j = B_ALONG_K ? e / BK : e % BN;
			uint k = B_ALONG_K ? e % BK : e / BN;
			if (B_ALONG_K) column(j0 + j);
			b[i] = e < BN * BK && j0 + j < N && k0 + k < end ? loadB(k0 + k, j0 + j) : 0.0;
			topB = max(topB, exponentOf(b[i]));
		}
		topA = subgroupMax(topA);
		topB = subgroupMax(topB);
		if (subgroupElect()) {
			atomicMax(tops[turn], topA);
			atomicMax(tops[turn + 1], topB);
		}
		barrier();
		int upA = int(LARGEST + BIAS) - int(max(tops[turn] >> 23, 30)), upB = int(LARGEST + BIAS) - int(max(tops[turn + 1] >> 23, 30));
		turn ^= 2;
		if (t < 2) tops[turn + t] = 0; // for the next turn
		for (uint i = 0; i < EACH_A; i++) {
			uint e = i * THREADS + t;
			uint m = A_ALONG_K ? e / BK : e % BM;
			uint k = A_ALONG_K ? e % BK : e / BM;
			if (e < BM * BK) tileA[m * ROW_A + k] = narrow(a[i] * power2(upA));
		}
		for (uint i = 0; i < EACH_B; i++) {
			uint e = i * THREADS + t;
			uint j = B_ALONG_K ? e / BK : e % BN;
			uint k = B_ALONG_K ? e % BK : e / BN;
			if (e < BN * BK) tileB[k * ROW_B + j] = narrow(b[i] * power2(upB));
		}
		barrier();
		Sums parts[TM * TN];
		for (uint i = 0; i < TM * TN; i++) parts[i] = Sums(0.0);
		for (uint k = 0; k < BK; k += MK) {
			coopmat<float16_t, gl_ScopeSubgroup, MM, MK, gl_MatrixUseA> left[TM];
			for (uint i = 0; i < TM; i++)
				coopMatLoad(left[i], tileA, (row + i * MM) * ROW_A + k, ROW_A, gl_CooperativeMatrixLayoutRowMajor);
			for (uint j = 0; j < TN; j++) {
				coopmat<float16_t, gl_ScopeSubgroup, MK, MN, gl_MatrixUseB> right;
				coopMatLoad(right, tileB, k * ROW_B + col + j * MN, ROW_B, gl_CooperativeMatrixLayoutRowMajor);
				for (uint i = 0; i < TM; i++) parts[i * TN + j] = coopMatMulAdd(left[i], right, parts[i * TN + j]);
			}
		}
		int down = -upA - upB; // in two steps, since 2ⁿ itself may overflow
		float half_ = power2(down / 2), rest = power2(down - down / 2);
		for (uint i = 0; i < TM * TN; i++) sums[i] = sums[i] + parts[i] * half_ * rest;
	}
	for (uint i = 0; i < TM; i++)
		for (uint j = 0; j < TN; j++) {
			coopMatStore(sums[i * TN + j], result, gl_SubgroupID * MM * MN, MN, gl_CooperativeMatrixLayoutRowMajor);
			barrier();
			for (uint e = gl_SubgroupInvocationID; e < MM * MN; e += gl_SubgroupSize) {
				uint m = m0 + row + i * MM + e / MN, n = j0 + col + j * MN + e % MN;
				if (m < M && n < N) store(m, n, result[gl_SubgroupID * MM * MN + e]);
			}
			barrier();
		}
}
