#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"

// dx sums, over the windows that contain the pixel, dy divided by the window's pixels in
// the image.
layout(push_constant, std430) uniform Push {
	Values dy, dx;
	uint count, h, w, oh, ow, size, stride;
	int pad;
} p;

// inside returns how many pixels of the window at o lie on an axis of n.
int inside(int o, int n) {
	int first = o * int(p.stride) - p.pad;
	return min(n, first + int(p.size)) - max(0, first);
}

void main() {
	uint i = ELEMENT;
	if (i >= p.count) return;
	uint plane = i / (p.h * p.w) * p.oh * p.ow;
	int y = int(i / p.w % p.h) + p.pad, x = int(i % p.w) + p.pad;
	int size = int(p.size), stride = int(p.stride);
	int firstY = max(0, (y - size + stride) / stride), firstX = max(0, (x - size + stride) / stride);
	float sum = 0.0;
	for (int oy = firstY; oy <= min(int(p.oh) - 1, y / stride); oy++)
		for (int ox = firstX; ox <= min(int(p.ow) - 1, x / stride); ox++)
			if (y - oy * stride < size && x - ox * stride < size)
				sum += get(p.dy, plane + uint(oy) * p.ow + uint(ox)) / float(inside(oy, int(p.h)) * inside(ox, int(p.w)));
	put(p.dx, i, sum);
}
