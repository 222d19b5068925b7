#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"

// y[n,c,i] = (pixels[n,i,c] + colour[n,c] − mean[c,i]) · scale.
layout(push_constant, std430) uniform Push {
	Words pixels;
	Floats colour, mean;
	Values y;
	uint count, area;
	float scale;
} p;

void main() {
	uint at = ELEMENT;
	if (at >= p.count) return;
	uint n = at / (3 * p.area), c = at / p.area % 3, i = at % p.area;
	uint place = (n * p.area + i) * 3 + c;
	float pixel = float(p.pixels.v[place / 4] >> place % 4 * 8 & 255u);
	put(p.y, at, (pixel + p.colour.v[n * 3 + c] - p.mean.v[c * p.area + i]) * p.scale);
}
