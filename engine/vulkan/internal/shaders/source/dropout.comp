#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"

// Y of engine.Dropout; the key of the step comes from the host. Numbers of 64 bits are
// pairs, low word first, so that a device needs no arithmetic on them.
layout(push_constant, std430) uniform Push {
	Values x, y;
	StepParams step_;
	uint count, row, width, first, key, threshold, train;
	float scale;
} p;

uvec2 add(uvec2 a, uvec2 b) {
	uint carry;
	uint low = uaddCarry(a.x, b.x, carry);
	return uvec2(low, a.y + b.y + carry);
}

uvec2 mul(uvec2 a, uvec2 b) {
	uint high, low;
	umulExtended(a.x, b.x, high, low);
	return uvec2(low, high + a.x * b.y + a.y * b.x);
}

uvec2 shift(uvec2 a, uint n) { return uvec2(a.x >> n | a.y << (32 - n), a.y >> n); }

// SplitMix64's finaliser; see engine.DropoutKeeps.
uvec2 mix64(uvec2 z) {
	z = mul(z ^ shift(z, 30), uvec2(0x1ce4e5b9u, 0xbf58476du));
	z = mul(z ^ shift(z, 27), uvec2(0x133111ebu, 0x94d049bbu));
	return z ^ shift(z, 31);
}

void main() {
	uint i = ELEMENT;
	if (i >= p.count) return;
	uint n = i / p.row, j = i % p.row;
	bool keeps = true;
	if (p.train != 0) {
		uvec2 index = add(mul(uvec2(n, 0), uvec2(p.width, 0)), uvec2(p.first + j, 0));
		index = add(index, uvec2(1, 0));
		keeps = mix64(add(p.step_.keys[p.key], mul(index, uvec2(0x7f4a7c15u, 0x9e3779b9u)))).y >= p.threshold;
	}
	put(p.y, i, keeps ? get(p.x, i) * p.scale : 0.0);
}
