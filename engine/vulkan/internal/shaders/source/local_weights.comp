#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "window.glsl"

// DW of a locally connected layer: for each group and position a product of DY, maps ×
// images, with the images' patches.
layout(push_constant, std430) uniform Push {
	Values x, dy;
	Floats dw;
	uint images, maps, channels, groups;
} p;

const bool A_ALONG_K = false, B_ALONG_K = false;

uint group, place;
uint pixel; // of the column, in a group of an image
bool inside;

void column(uint j) {
	uint i = j / (SIZE * SIZE), at = j % (SIZE * SIZE);
	int y = int(place / OW * STRIDE + at / SIZE) - PAD, x = int(place % OW * STRIDE + at % SIZE) - PAD;
	inside = y >= 0 && y < int(H) && x >= 0 && x < int(W);
	pixel = (i * H + uint(max(y, 0))) * W + uint(max(x, 0));
}

float loadA(uint m, uint k) { return get(p.dy, ((k * p.groups + group) * p.maps + m) * (OH * OW) + place); }

float loadB(uint k, uint j) {
	if (!inside) return 0.0;
	return get(p.x, (k * p.groups + group) * p.channels * H * W + pixel);
}

void store(uint m, uint j, float sum) {
	p.dw.v[((group * p.maps + m) * (OH * OW) + place) * (p.channels * SIZE * SIZE) + j] = sum;
}

#include "product.glsl"

void main() {
	group = gl_WorkGroupID.z / (OH * OW);
	place = gl_WorkGroupID.z % (OH * OW);
	multiply(p.maps, p.channels * SIZE * SIZE, 0, p.images);
}
