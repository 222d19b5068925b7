#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "window.glsl"

// A locally connected layer: for each group and position a product of its weights,
// maps × (channel, ky, kx), with the images' patches.
layout(push_constant, std430) uniform Push {
	Values x;
	Floats w, b;
	Values y;
	uint images, maps, channels, groups; // of a group: maps and channels
} p;

const bool A_ALONG_K = true, B_ALONG_K = false;

uint group, place; // of the output
uint plane;        // where the column's image begins, in this group

void column(uint j) { plane = (j * p.groups + group) * p.channels * H * W; }

float loadA(uint m, uint k) {
	return p.w.v[((group * p.maps + m) * (OH * OW) + place) * (p.channels * SIZE * SIZE) + k];
}

float loadB(uint k, uint j) {
	uint i = k / (SIZE * SIZE), at = k % (SIZE * SIZE);
	int y = int(place / OW * STRIDE + at / SIZE) - PAD, x = int(place % OW * STRIDE + at % SIZE) - PAD;
	if (y < 0 || y >= int(H) || x < 0 || x >= int(W)) return 0.0;
	return get(p.x, plane + (i * H + uint(y)) * W + uint(x));
}

void store(uint m, uint j, float sum) {
	uint r = (group * p.maps + m) * (OH * OW) + place;
	put(p.y, j * p.groups * p.maps * OH * OW + r, sum + p.b.v[r]);
}

#include "product.glsl"

void main() {
	group = gl_WorkGroupID.z / (OH * OW);
	place = gl_WorkGroupID.z % (OH * OW);
	multiply(p.maps, p.images, 0, p.channels * SIZE * SIZE);
}
