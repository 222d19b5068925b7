#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "window.glsl"

// Y = B + W ⋆ X: for each group a product of the weights, maps × (channel, ky, kx),
// with patches of X, which are never stored.
layout(push_constant, std430) uniform Push {
	Values x;
	Floats w, b;
	Values y;
	uint images, maps, channels, groups; // of a group: maps and channels
} p;

const bool A_ALONG_K = true, B_ALONG_K = false;

uint plane;          // where the column's image begins, in this group
int top, left;       // where its patch begins
uint group;

void column(uint j) {
	uint n = j / (OH * OW), at = j % (OH * OW);
	plane = (n * p.groups + group) * p.channels * H * W;
	top = int(at / OW * STRIDE) - PAD;
	left = int(at % OW * STRIDE) - PAD;
}

float loadA(uint m, uint k) { return p.w.v[(group * p.maps + m) * (p.channels * SIZE * SIZE) + k]; }

float loadB(uint k, uint j) {
	uint i = k / (SIZE * SIZE), at = k % (SIZE * SIZE);
	int y = top + int(at / SIZE), x = left + int(at % SIZE);
	if (y < 0 || y >= int(H) || x < 0 || x >= int(W)) return 0.0;
	return get(p.x, plane + (i * H + uint(y)) * W + uint(x));
}

void store(uint m, uint j, float sum) {
	uint n = j / (OH * OW), at = j % (OH * OW), o = group * p.maps + m;
	put(p.y, (n * p.groups * p.maps + o) * (OH * OW) + at, sum + p.b.v[o]);
}

#include "product.glsl"

void main() {
	group = gl_WorkGroupID.z;
	multiply(p.maps, p.images * OH * OW, 0, p.channels * SIZE * SIZE);
}
