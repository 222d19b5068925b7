#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"

// v ← momentum·v − decay·ε·w − ε·g; w ← w + v, unless halt is set.
layout(push_constant, std430) uniform Push {
	Floats w, v, g;
	Ints halt;
	StepParams step_;
	uint count, halts;
	float decay, rate;
} p;

void main() {
	uint i = ELEMENT;
	if (i >= p.count || p.halts != 0 && p.halt.v[0] != 0) return;
	float e = p.step_.rate * p.rate, w = p.w.v[i];
	float v = p.step_.momentum * p.v.v[i] - p.decay * e * w - e * p.g.v[i];
	p.v.v[i] = v;
	p.w.v[i] = w + v;
}
