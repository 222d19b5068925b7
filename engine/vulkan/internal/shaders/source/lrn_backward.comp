#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"

// dx = own − factor·x·Σ pull, summed over the elements whose neighbourhood contains this
// one.
layout(push_constant, std430) uniform Push {
	Values x, dx;
	Floats own, pull;
	uint channels, h, w, maps;
	int below, above;
	uint within;
	float factor;
	uint first, count;
} p;

void main() {
	uint at = ELEMENT;
	if (at >= p.count) return;
	uint area = p.h * p.w;
	int c = int(at / area % p.channels), i = int(at / p.w % p.h), j = int(at % p.w);
	float s = 0.0;
	if (p.within != 0) {
		uint plane = at / area * area;
		for (int y = max(0, i - p.above); y <= min(int(p.h) - 1, i + p.below); y++)
			for (int u = max(0, j - p.above); u <= min(int(p.w) - 1, j + p.below); u++)
				s += p.pull.v[plane + uint(y) * p.w + uint(u)];
	} else {
		int first = c / int(p.maps) * int(p.maps);
		for (int k = max(first, c - p.above); k <= min(first + int(p.maps) - 1, c + p.below); k++)
			s += p.pull.v[uint(int(at) + (k - c) * int(area))];
	}
	put(p.dx, p.first + at, p.own.v[at] - p.factor * get(p.x, p.first + at) * s);
}
