#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "window.glsl"

// DW of a convolution: for each group a product of DY, maps × (image, pixel), with
// patches of X. The pixels are cut into pieces, whose sums reduce.comp adds up.
layout(push_constant, std430) uniform Push {
	Values x, dy;
	Floats dw; // pieces × groups × maps × (channel, ky, kx)
	uint images, maps, channels, groups, piece;
} p;

const bool A_ALONG_K = true, B_ALONG_K = false;

uint patchAt; // the column's map and place in the window
int ky, kx;
uint group, at_;

void column(uint j) {
	uint i = j / (SIZE * SIZE), at = j % (SIZE * SIZE);
	patchAt = i * H * W;
	ky = int(at / SIZE) - PAD;
	kx = int(at % SIZE) - PAD;
}

float loadA(uint m, uint k) {
	uint n = k / (OH * OW), at = k % (OH * OW);
	return get(p.dy, ((n * p.groups + group) * p.maps + m) * (OH * OW) + at);
}

float loadB(uint k, uint j) {
	uint n = k / (OH * OW), at = k % (OH * OW);
	int y = int(at / OW * STRIDE) + ky, x = int(at % OW * STRIDE) + kx;
	if (y < 0 || y >= int(H) || x < 0 || x >= int(W)) return 0.0;
	return get(p.x, (n * p.groups + group) * p.channels * H * W + patchAt + uint(y) * W + uint(x));
}

void store(uint m, uint j, float sum) {
	p.dw.v[(at_ * p.maps + m) * (p.channels * SIZE * SIZE) + j] = sum;
}

#include "product.glsl"

void main() {
	uint pieceAt = gl_WorkGroupID.z / p.groups;
	group = gl_WorkGroupID.z % p.groups;
	at_ = gl_WorkGroupID.z;
	uint all = p.images * OH * OW, first = pieceAt * p.piece;
	multiply(p.maps, p.channels * SIZE * SIZE, first, min(first + p.piece, all));
}
