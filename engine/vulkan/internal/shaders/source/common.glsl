// Every shader begins with this: tensors by their addresses, and the format of stored
// activations. NARROW is set if that is bfloat16.
#extension GL_EXT_buffer_reference : require

layout(buffer_reference, std430, buffer_reference_align = 4) buffer Floats { float v[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Ints { int v[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Words { uint v[]; };

bool isNaN(float f) { return (floatBitsToUint(f) & 0x7fffffffu) > 0x7f800000u; }
bool isFinite(float f) { return (floatBitsToUint(f) & 0x7f800000u) != 0x7f800000u; }

#ifdef NARROW
#extension GL_EXT_shader_16bit_storage : require
layout(buffer_reference, std430, buffer_reference_align = 2) buffer Values { uint16_t v[]; };

float get(Values x, uint i) { return uintBitsToFloat(uint(x.v[i]) << 16); }

void put(Values x, uint i, float f) {
	uint bits = floatBitsToUint(f);
	bits = isNaN(f) ? bits | 0x400000u : bits + 0x7fffu + (bits >> 16 & 1u); // to nearest, ties to even
	x.v[i] = uint16_t(bits >> 16);
}
#else
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Values { float v[]; };

float get(Values x, uint i) { return x.v[i]; }
void put(Values x, uint i, float f) { x.v[i] = f; }
#endif

// The number of this invocation among those of a dispatch over elements, which has
// a second dimension where one is too short.
#define ELEMENT ((gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x)

// The step's numbers; see program.go.
layout(buffer_reference, std430, buffer_reference_align = 8) buffer StepParams {
	float rate, momentum;
	uvec2 keys[]; // one an op of dropout
};
