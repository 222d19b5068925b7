#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "window.glsl"

// DX of a locally connected layer: for each group and input pixel a product of the
// weights that multiply it, channels × (map, ky, kx), with the images' DY.
layout(push_constant, std430) uniform Push {
	Floats w;
	Values dy, dx;
	uint images, maps, channels, groups;
} p;

const bool A_ALONG_K = true, B_ALONG_K = false;

uint group, pixel; // of the input

// place finds the output that the pixel goes into by one weight of a window.
bool place(uint at, out uint o) {
	int y = int(pixel / W) + PAD - int(at / SIZE), x = int(pixel % W) + PAD - int(at % SIZE);
	o = 0;
	if (y < 0 || x < 0) return false;
	uint oy = uint(y) / STRIDE, ox = uint(x) / STRIDE;
	o = oy * OW + ox;
	return oy * STRIDE == uint(y) && ox * STRIDE == uint(x) && oy < OH && ox < OW;
}

void column(uint j) {}

float loadA(uint m, uint k) {
	uint at = k % (SIZE * SIZE), o;
	if (!place(at, o)) return 0.0;
	return p.w.v[((group * p.maps + k / (SIZE * SIZE)) * (OH * OW) + o) * (p.channels * SIZE * SIZE) + m * SIZE * SIZE + at];
}

float loadB(uint k, uint j) {
	uint o;
	if (!place(k % (SIZE * SIZE), o)) return 0.0;
	return get(p.dy, ((j * p.groups + group) * p.maps + k / (SIZE * SIZE)) * (OH * OW) + o);
}

void store(uint m, uint j, float sum) {
	put(p.dx, ((j * p.groups + group) * p.channels + m) * (H * W) + pixel, sum);
}

#include "product.glsl"

void main() {
	group = gl_WorkGroupID.z / (H * W);
	pixel = gl_WorkGroupID.z % (H * W);
	multiply(p.channels, p.images, 0, p.maps * SIZE * SIZE);
}
