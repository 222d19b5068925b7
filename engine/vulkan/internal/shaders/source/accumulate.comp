#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"

// sum ← sum + g, or sum ← g with first.
layout(push_constant, std430) uniform Push {
	Floats g, sum;
	uint count, first;
} p;

void main() {
	uint i = ELEMENT;
	if (i < p.count) p.sum.v[i] = p.first != 0 ? p.g.v[i] : p.sum.v[i] + p.g.v[i];
}
