#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"

// dx sums dy over the windows whose maximum is this pixel.
layout(push_constant, std430) uniform Push {
	Words at;
	Values dy, dx;
	uint count, h, w, oh, ow, size, stride;
	int pad;
} p;

void main() {
	uint i = ELEMENT;
	if (i >= p.count) return;
	uint plane = i / (p.h * p.w) * p.oh * p.ow;
	int y = int(i / p.w % p.h) + p.pad, x = int(i % p.w) + p.pad;
	int size = int(p.size), stride = int(p.stride);
	int firstY = max(0, (y - size + stride) / stride), firstX = max(0, (x - size + stride) / stride);
	float sum = 0.0;
	for (int oy = firstY; oy <= min(int(p.oh) - 1, y / stride); oy++)
		for (int ox = firstX; ox <= min(int(p.ow) - 1, x / stride); ox++) {
			int ky = y - oy * stride, kx = x - ox * stride;
			if (ky >= size || kx >= size) continue;
			uint o = plane + uint(oy) * p.ow + uint(ox);
			if ((p.at.v[o / 4] >> o % 4 * 8 & 255u) == uint(ky * size + kx)) sum += get(p.dy, o);
		}
	put(p.dx, i, sum);
}
