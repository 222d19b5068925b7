// Exponentials to about two units in the last place on every device: Vulkan's own may
// be off by much more. The polynomials are those of Cephes (Moshier 1989).

#define infinity uintBitsToFloat(0x7f800000u)
#define notANumber uintBitsToFloat(0x7fc00000u)

// scale2 is f·2ⁿ, in two steps since 2ⁿ itself may overflow.
float scale2(float f, int n) {
	int half_ = n / 2;
	return f * uintBitsToFloat(uint(half_ + 127) << 23) * uintBitsToFloat(uint(n - half_ + 127) << 23);
}

// expSmall is eʳ for |r| ≤ ½·ln 2.
float expSmall(float r) {
	precise float z = 1.9875691500e-4;
	z = z * r + 1.3981999507e-3;
	z = z * r + 8.3334519073e-3;
	z = z * r + 4.1665795894e-2;
	z = z * r + 1.6666665459e-1;
	z = z * r + 5.0000001201e-1;
	z = z * r * r + r;
	return z + 1.0;
}

float exponential(float x) {
	if (isNaN(x)) return x;
	if (x > 88.7228317) return infinity;
	if (x < -103.972084) return 0.0;
	float n = floor(x * 1.44269504 + 0.5);
	precise float r = x - n * 0.693359375; // exact: ln 2 in two parts
	r = r + n * 2.12194440e-4;
	return scale2(expSmall(r), int(n));
}

// split takes a positive number apart: m·2ⁿ with m from √½ to √2.
float split(float f, out int n) {
	n = 0;
	if (f < 1.17549435e-38) { // subnormal
		f *= 16777216.0;
		n = -24;
	}
	uint bits = floatBitsToUint(f);
	n += int(bits >> 23) - 127;
	float m = uintBitsToFloat((bits & 0x7fffffu) | 0x3f800000u);
	if (m > 1.41421356) {
		m *= 0.5;
		n++;
	}
	return m;
}

// logSmall is ln m for m from √½ to √2: 2·artanh((m−1)/(m+1)).
float logSmall(float m) {
	precise float s = (m - 1.0) / (m + 1.0);
	precise float q = s * s;
	precise float z = q * (0.333333333 + q * (0.2 + q * (0.142857143 + q * (0.111111111 + q * 0.0909090909))));
	return 2.0 * (s + s * z);
}

// logarithm is ln f.
float logarithm(float f) {
	if (isNaN(f) || f < 0.0) return notANumber;
	if (f == 0.0) return -infinity;
	if (!isFinite(f)) return f;
	int n;
	float l = logSmall(split(f, n));
	precise float r = l - float(n) * 2.12194440e-4;
	return r + float(n) * 0.693359375;
}

// power is fʸ for f ≥ 0. The exponent is kept in two parts, so that the result is
// as exact for large f as for small.
float power(float f, float y) {
	if (isNaN(f) || f < 0.0) return notANumber;
	if (f == 0.0) return y > 0.0 ? 0.0 : y < 0.0 ? infinity : 1.0;
	if (!isFinite(f)) return y > 0.0 ? infinity : y < 0.0 ? 0.0 : 1.0;
	int e;
	float l = logSmall(split(f, e)) * 1.44269504;
	float high = uintBitsToFloat(floatBitsToUint(y) & 0xffff0000u); // its product with e is exact
	precise float whole = high * float(e);
	float n = floor(whole + 0.5);
	precise float rest = (whole - n) + ((y - high) * float(e) + y * l);
	float m = floor(rest + 0.5);
	rest -= m;
	float total = n + m;
	if (total > 128.0) return infinity;
	if (total < -150.0) return 0.0;
	return scale2(expSmall(rest * 0.693147181), int(total));
}

float hyperbolicTangent(float x) {
	float t = abs(x);
	if (isNaN(x)) return x;
	if (t > 9.1) return sign(x);
	if (t < 0.625) {
		precise float z = x * x;
		precise float s = -5.70498872745e-3;
		s = s * z + 2.06390887954e-2;
		s = s * z - 5.37397155531e-2;
		s = s * z + 1.33314422036e-1;
		s = s * z - 3.33332819422e-1;
		return s * z * x + x;
	}
	precise float r = 1.0 - 2.0 / (exponential(2.0 * t) + 1.0);
	return x < 0.0 ? -r : r;
}
