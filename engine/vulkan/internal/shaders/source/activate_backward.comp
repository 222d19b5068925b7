#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"

// dx = dy · f′, from the output y; dx may be dy.
layout(push_constant, std430) uniform Push {
	Values y, dy, dx;
	uint count, function;
} p;

void main() {
	uint i = ELEMENT;
	if (i >= p.count) return;
	float y = get(p.y, i), dy = get(p.dy, i);
	put(p.dx, i, p.function == 0 ? (y > 0.0 ? dy : 0.0) : dy * (1.0 - y * y));
}
