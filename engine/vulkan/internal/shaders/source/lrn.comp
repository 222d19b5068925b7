#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"
#include "mathematics.glsl"
#include "lrn.glsl"

// y = x·d^−β.
layout(push_constant, std430) uniform Push {
	Values x, y;
	Response r;
	float beta;
	uint count;
} p;

void main() {
	uint i = ELEMENT;
	if (i < p.count) put(p.y, i, get(p.x, i) * power(normaliser(p.x, p.r, i), -p.beta));
}
