#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"

// y[i] = Σ x[s·count + i], in order of s.
layout(push_constant, std430) uniform Push {
	Floats x, y;
	uint count, pieces;
} p;

void main() {
	uint i = ELEMENT;
	if (i >= p.count) return;
	float sum = 0.0;
	for (uint s = 0; s < p.pieces; s++) sum += p.x.v[s * p.count + i];
	p.y.v[i] = sum;
}
