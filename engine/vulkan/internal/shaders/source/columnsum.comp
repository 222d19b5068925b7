#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

// db[o] = Σ dy[n,o,i] over images and pixels. A workgroup computes one o; each invocation
// adds every THREADS-th value.
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint THREADS = 256;
layout(push_constant, std430) uniform Push {
	Values dy;
	Floats db;
	uint images, maps, area;
} p;

#include "total.glsl"

void main() {
	uint o = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x, t = gl_LocalInvocationID.x;
	if (o >= p.maps) return;
	float sum = 0.0;
	for (uint i = t; i < p.images * p.area; i += THREADS)
		sum += get(p.dy, (i / p.area * p.maps + o) * p.area + i % p.area);
	sum = total(sum);
	if (t == 0) p.db.v[o] = sum;
}
