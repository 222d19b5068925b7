#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"
#include "mathematics.glsl"
#include "lrn.glsl"

// What an element's normaliser passes on to those it was summed from: dy·x·d^(−β−1)
// in pull, and dy·d^−β in dx, which may be dy. lrn_backward.comp comes next.
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
