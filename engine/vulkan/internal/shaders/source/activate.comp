#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"
#include "mathematics.glsl"

// y = f(x), element by element; y may be x.
layout(push_constant, std430) uniform Push {
	Values x, y;
	uint count, function; // engine.Function
} p;

void main() {
	uint i = ELEMENT;
	if (i >= p.count) return;
	float v = get(p.x, i);
	put(p.y, i, p.function == 0 ? (v < 0.0 ? 0.0 : v) : hyperbolicTangent(v));
}
