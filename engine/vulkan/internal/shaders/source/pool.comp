#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "elements.glsl"

// The maximum over each window and, with positions, its place. An invocation computes
// four outputs, whose positions form one word.
layout(push_constant, std430) uniform Push {
	Values x, y;
	Words at;
	uint count, h, w, oh, ow, size, stride, positions;
	int pad;
} p;

void main() {
	uint word = ELEMENT, packed = 0;
	for (uint b = 0; b < 4; b++) {
		uint o = word * 4 + b;
		if (o >= p.count) break;
		uint plane = o / (p.oh * p.ow) * p.h * p.w;
		int top = int(o / p.ow % p.oh * p.stride) - p.pad, left = int(o % p.ow * p.stride) - p.pad;
		float most = 0.0;
		uint where = 0;
		bool found = false;
		for (int i = 0; i < int(p.size); i++)
			for (int j = 0; j < int(p.size); j++) {
				int y = top + i, x = left + j;
				if (y < 0 || y >= int(p.h) || x < 0 || x >= int(p.w)) continue;
				float v = get(p.x, plane + uint(y) * p.w + uint(x));
				if (!found || !isNaN(most) && (v > most || isNaN(v))) {
					found = true;
					most = v;
					where = uint(i) * p.size + uint(j);
				}
			}
		put(p.y, o, most);
		packed |= where << b * 8;
	}
	if (p.positions != 0 && word * 4 < p.count) p.at.v[word] = packed;
}
