#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"

// y[n·yRow + yFirst + j] = Σ x[i][n·xRow + xFirst + j] for j < run, over up to eight
// parts in order; with adds it adds to y. It copies maps from and to other contexts.
layout(push_constant, std430) uniform Push {
	Values x[8];
	Values y;
	uint parts, count, run, xRow, xFirst, yRow, yFirst, adds;
} p;

void main() {
	uint at = ELEMENT;
	if (at >= p.count) return;
	uint n = at / p.run, j = at % p.run;
	uint from = n * p.xRow + p.xFirst + j, to = n * p.yRow + p.yFirst + j;
	float sum = get(p.x[0], from);
	for (uint i = 1; i < p.parts; i++) sum += get(p.x[i], from);
	put(p.y, to, p.adds != 0 ? get(p.y, to) + sum : sum);
}
