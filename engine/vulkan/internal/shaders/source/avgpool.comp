#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"

// y is the mean of each window's pixels that lie in the image.
layout(push_constant, std430) uniform Push {
	Values x, y;
	uint count, h, w, oh, ow, size, stride;
	int pad;
} p;

void main() {
	uint o = ELEMENT;
	if (o >= p.count) return;
	uint plane = o / (p.oh * p.ow) * p.h * p.w;
	int top = int(o / p.ow % p.oh * p.stride) - p.pad, left = int(o % p.ow * p.stride) - p.pad;
	int bottom = min(int(p.h), top + int(p.size)), right = min(int(p.w), left + int(p.size));
	top = max(0, top);
	left = max(0, left);
	float sum = 0.0;
	for (int i = top; i < bottom; i++)
		for (int j = left; j < right; j++) sum += get(p.x, plane + uint(i) * p.w + uint(j));
	put(p.y, o, sum / float((bottom - top) * (right - left)));
}
