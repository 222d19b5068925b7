// total is the sum over a workgroup of THREADS invocations, the same for all of them.
// SUBGROUPS is set where a device adds up a subgroup's numbers by itself; elsewhere
// pairs are added, in an order that THREADS alone decides.
shared float parts[THREADS];

#ifdef SUBGROUPS
#extension GL_KHR_shader_subgroup_arithmetic : require

float total(float v) {
	barrier(); // what was there has been read, and the subgroup is together again
	v = subgroupAdd(v);
	if (subgroupElect()) parts[gl_SubgroupID] = v;
	barrier();
	float sum = 0.0;
	for (uint i = 0; i < gl_NumSubgroups; i++) sum += parts[i];
	return sum;
}
#else
float total(float v) {
	uint t = gl_LocalInvocationID.x;
	barrier();
	parts[t] = v;
	for (uint n = THREADS / 2; n > 0; n /= 2) {
		barrier();
		if (t < n) parts[t] += parts[t + n];
	}
	barrier();
	return parts[0];
}
#endif
