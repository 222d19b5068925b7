#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "mathematics.glsl"

// engine.SoftmaxLoss; a workgroup computes one image.
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint THREADS = 64;
layout(push_constant, std430) uniform Push {
	Values x;
	Ints labels;
	Floats probs, loss;
	Ints rank;
	Values dx;
	Ints halt;
	uint images, classes, trains, halts;
	float scale, smoothing;
} p;

#include "total.glsl"

shared uint counts[THREADS];

float larger(float a, float b) { return isNaN(a) || a > b ? a : b; }

// Each returns its result over all invocations of the workgroup.
float most(float v) {
	uint t = gl_LocalInvocationID.x;
	barrier();
	parts[t] = v;
	for (uint n = THREADS / 2; n > 0; n /= 2) {
		barrier();
		if (t < n) parts[t] = larger(parts[t], parts[t + n]);
	}
	barrier();
	return parts[0];
}

uint count(uint v) {
	uint t = gl_LocalInvocationID.x;
	barrier();
	counts[t] = v;
	for (uint n = THREADS / 2; n > 0; n /= 2) {
		barrier();
		if (t < n) counts[t] += counts[t + n];
	}
	barrier();
	return counts[0];
}

void main() {
	uint n = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x, t = gl_LocalInvocationID.x, row = n * p.classes;
	if (n >= p.images) return;
	int label = p.labels.v[n];
	float own = label < 0 ? 0.0 : get(p.x, row + uint(label));
	float top = -infinity, sum = 0.0, all = 0.0;
	uint beaten = 0;
	for (uint k = t; k < p.classes; k += THREADS) {
		float v = get(p.x, row + k);
		top = larger(top, v);
		all += v;
		if (v > own || v == own && int(k) < label) beaten++;
	}
	top = most(top);
	all = total(all);
	beaten = count(beaten);
	for (uint k = t; k < p.classes; k += THREADS) sum += exponential(get(p.x, row + k) - top);
	sum = total(sum);
	float spread = p.smoothing / float(p.classes);
	for (uint k = t; k < p.classes; k += THREADS) {
		float q = exponential(get(p.x, row + k) - top) / sum;
		float target = int(k) == label ? 1.0 - p.smoothing + spread : spread;
		p.probs.v[row + k] = q;
		if (p.trains != 0) put(p.dx, row + k, label < 0 ? 0.0 : (q - target) * p.scale);
	}
	if (t != 0) return;
	float loss = 0.0;
	int rank = 0;
	if (label >= 0) {
		float target = (1.0 - p.smoothing) * own;
		if (p.smoothing > 0.0) target += spread * all;
		loss = top + logarithm(sum) - target;
		rank = isNaN(own) ? int(p.classes) : int(beaten);
	}
	p.loss.v[n] = loss;
	p.rank.v[n] = rank;
	if (p.halts != 0 && !isFinite(loss)) p.halt.v[0] = 1;
}
