#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

// DW of a dense layer: dw[o,i] = Σ dy[n,o]·x[n,i].
layout(push_constant, std430) uniform Push {
	Values x, dy;
	Floats dw;
	uint units, inputs, images;
} p;

const bool A_ALONG_K = false, B_ALONG_K = false;

void column(uint j) {}
float loadA(uint m, uint k) { return get(p.dy, k * p.units + m); }
float loadB(uint k, uint j) { return get(p.x, k * p.inputs + j); }
void store(uint m, uint j, float sum) { p.dw.v[m * p.inputs + j] = sum; }

#include "product.glsl"

void main() { multiply(p.units, p.inputs, 0, p.images); }
