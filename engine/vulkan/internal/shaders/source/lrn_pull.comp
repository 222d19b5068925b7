#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"
#include "mathematics.glsl"
#include "lrn.glsl"

// pull = dy·x·d^(−β−1), the gradient through an element's normaliser, and dx = dy·d^−β;
// dx may be dy. lrn_backward.comp runs next.
layout(push_constant, std430) uniform Push {
	Values x, dy;
	Floats own, pull;
	Response r;
	float beta;
	uint first, count;
} p;

void main() {
	uint i = ELEMENT;
	if (i >= p.count) return;
	float x = get(p.x, p.first + i), dy = get(p.dy, p.first + i);
	float d = normaliser(p.x, p.r, p.first + i);
	p.own.v[i] = dy * power(d, -p.beta);
	p.pull.v[i] = dy * x * power(d, -p.beta - 1.0);
}
