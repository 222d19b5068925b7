#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

// A dense layer and its DX: products of weights and activations by their strides,
// y[j·rows + m] = b[m] + Σ w[m·wm + k·wk]·x[j·inputs + k].
layout(push_constant, std430) uniform Push {
	Floats w, b;
	Values x, y;
	uint rows, images, inputs, wm, wk, biased;
} p;

layout(constant_id = 9) const bool A_ALONG_K = true;
const bool B_ALONG_K = true;

void column(uint j) {}
float loadA(uint m, uint k) { return p.w.v[m * p.wm + k * p.wk]; }
float loadB(uint k, uint j) { return get(p.x, j * p.inputs + k); }

void store(uint m, uint j, float sum) {
	put(p.y, j * p.rows + m, p.biased != 0 ? sum + p.b.v[m] : sum);
}

#include "product.glsl"

void main() { multiply(p.rows, p.images, 0, p.inputs); }
