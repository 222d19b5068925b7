#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "window.glsl"

// DX of a convolution: for each group a product of the weights, channels × (map, ky,
// kx), with the DY of the windows that contain a pixel.
layout(push_constant, std430) uniform Push {
	Floats w;
	Values dy, dx;
	uint images, maps, channels, groups;
} p;

const bool A_ALONG_K = true, B_ALONG_K = false;

uint plane; // where the column's image begins in dy, in this group
int y0, x0; // its pixel, from the padding's edge
uint group;

void column(uint j) {
	uint n = j / (H * W), at = j % (H * W);
	plane = (n * p.groups + group) * p.maps * OH * OW;
	y0 = int(at / W) + PAD;
	x0 = int(at % W) + PAD;
}

float loadA(uint m, uint k) {
	uint o = k / (SIZE * SIZE), at = k % (SIZE * SIZE);
	return p.w.v[((group * p.maps + o) * p.channels + m) * (SIZE * SIZE) + at];
}

float loadB(uint k, uint j) {
	uint o = k / (SIZE * SIZE), at = k % (SIZE * SIZE);
	int y = y0 - int(at / SIZE), x = x0 - int(at % SIZE);
	if (y < 0 || x < 0) return 0.0;
	uint oy = uint(y) / STRIDE, ox = uint(x) / STRIDE;
	if (oy * STRIDE != uint(y) || ox * STRIDE != uint(x) || oy >= OH || ox >= OW) return 0.0;
	return get(p.dy, plane + (o * OH + oy) * OW + ox);
}

void store(uint m, uint j, float sum) {
	uint n = j / (H * W), at = j % (H * W);
	put(p.dx, ((n * p.groups + group) * p.channels + m) * (H * W) + at, sum);
}

#include "product.glsl"

void main() {
	group = gl_WorkGroupID.z;
	multiply(p.channels, p.images * H * W, 0, p.maps * SIZE * SIZE);
}
