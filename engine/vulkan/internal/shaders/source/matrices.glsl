// product.glsl by the products of small matrices that a subgroup makes by itself: MM×MK
// times MK×MN, of float16, with sums in float32. A subgroup makes TM×TN of them.
//
// float16 holds fewer powers of two than bfloat16. So a tile's numbers are taken in bands of
// 24 powers of two, nearly always one, and a band is scaled to float16's largest numbers:
// there it keeps all of bfloat16's digits, and eleven bits of the weights. The sums of BK
// terms are scaled back and added up in float32, whatever the tile. In a tile of several
// bands an infinity may become NaN.
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
shared uint powers[4]; // that the numbers of A and B have, eight to a bit, in turns

// powerOf returns the bit of f's power of two; 0 for zero, infinities and NaN.
uint powerOf(float f) {
	uint e = floatBitsToUint(f) >> 23 & 255u;
	return (floatBitsToUint(f) & 0x7fffffffu) == 0 || e == 255 ? 0 : 1u << e / 8;
}

// A band of a tile: bits of powerOf, the exponent that scales it, and whether what is not
// finite belongs to it.
struct Band {
	uint bits;
	int up;
	bool first;
};

// bandOf returns the band of the largest of some powers.
Band bandOf(uint of, bool first) {
	int top = max(findMSB(of), 0);
	return Band(top < 2 ? 7 : 7u << (top - 2), min(14 + 127 - (8 * top + 7), 126), first);
}

// narrow rounds f to float16's eleven bits, to nearest, ties to even: a device may cut
// them off, and many products of what is cut off are off to one side.
float16_t narrow(float f) {
	uint bits = floatBitsToUint(f);
	return float16_t(isNaN(f) ? f : uintBitsToFloat(bits + 0xfffu + (bits >> 13 & 1u) & ~0x1fffu));
}

// power2 is 2ⁿ for n from −126 to 127.
float power2(int n) { return uintBitsToFloat(uint(n + 127) << 23); }

// within returns f scaled if it is in the band, else 0.
float16_t within(Band band, float f) {
	if (!isFinite(f)) return band.first ? float16_t(f) : float16_t(0.0);
	return (powerOf(f) & band.bits) != 0 ? narrow(f * power2(band.up)) : float16_t(0.0);
}

void multiply(uint M, uint N, uint first, uint end) {
	uint t = gl_LocalInvocationID.x;
	uint at = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x, across = (N + BN - 1) / BN;
	uint m0 = at / across * BM, j0 = at % across * BN;
	if (m0 >= M) return; // the whole workgroup
	uint row = gl_SubgroupID / ACROSS * TM * MM, col = gl_SubgroupID % ACROSS * TN * MN;
	Sums sums[TM * TN];
	for (uint i = 0; i < TM * TN; i++) sums[i] = Sums(0.0);
	if (t < 4) powers[t] = 0;
	barrier();

	if (!B_ALONG_K) column(min(j0 + t % BN, N - 1));
	uint turn = 0;
	for (uint k0 = first; k0 < end; k0 += BK) {
		float a[EACH_A], b[EACH_B];
		uint powersA = 0, powersB = 0;
		for (uint i = 0; i < EACH_A; i++) {
			uint e = i * THREADS + t;
			uint m = A_ALONG_K ? e / BK : e % BM;
			uint k = A_ALONG_K ? e % BK : e / BM;
			a[i] = e < BM * BK && m0 + m < M && k0 + k < end ? loadA(m0 + m, k0 + k) : 0.0;
			powersA |= powerOf(a[i]);
		}
		for (uint i = 0; i < EACH_B; i++) {
			uint e = i * THREADS + t;
			uint j = B_ALONG_K ? e / BK : e % BN;
			uint k = B_ALONG_K ? e % BK : e / BN;
			if (B_ALONG_K) column(j0 + j);
			b[i] = e < BN * BK && j0 + j < N && k0 + k < end ? loadB(k0 + k, j0 + j) : 0.0;
			powersB |= powerOf(b[i]);
		}
		powersA = subgroupOr(powersA);
		powersB = subgroupOr(powersB);
		if (subgroupElect()) {
			atomicOr(powers[turn], powersA);
			atomicOr(powers[turn + 1], powersB);
		}
		barrier();
		uint leftA = powers[turn], allB = powers[turn + 1];
		turn ^= 2;
		if (t < 2) powers[turn + t] = 0; // for the next turn
		bool firstA = true, firstB;
		do {
			Band bandA = bandOf(leftA, firstA);
			leftA &= ~bandA.bits;
			uint leftB = allB;
			firstB = true;
			do {
				Band bandB = bandOf(leftB, firstB);
				leftB &= ~bandB.bits;
				if (!firstA || !firstB) barrier(); // the band before has been read
				for (uint i = 0; i < EACH_A; i++) {
					uint e = i * THREADS + t;
					uint m = A_ALONG_K ? e / BK : e % BM;
					uint k = A_ALONG_K ? e % BK : e / BM;
					if (e < BM * BK) tileA[m * ROW_A + k] = within(bandA, a[i]);
				}
				for (uint i = 0; i < EACH_B; i++) {
					uint e = i * THREADS + t;
					uint j = B_ALONG_K ? e / BK : e % BN;
					uint k = B_ALONG_K ? e % BK : e / BN;
					if (e < BN * BK) tileB[k * ROW_B + j] = within(bandB, b[i]);
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
				int down = -bandA.up - bandB.up; // in two steps, since 2ⁿ itself may overflow
				float half_ = power2(down / 2), rest = power2(down - down / 2);
				for (uint i = 0; i < TM * TN; i++) sums[i] = sums[i] + parts[i] * half_ * rest;
				firstB = false;
			} while (leftB != 0);
			firstA = false;
		} while (leftA != 0);
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
