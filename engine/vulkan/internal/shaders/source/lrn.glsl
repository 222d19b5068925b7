// Local response normalisation: d = K + alpha·S of an element, where S is the sum of
// squares over its neighbourhood.
struct Response {
	uint channels, h, w, maps; // maps of a group
	int below, above;          // of the neighbourhood, from the centre
	uint within;
	float k, alpha;
};

float normaliser(Values x, Response r, uint at) {
	uint area = r.h * r.w;
	int c = int(at / area % r.channels), i = int(at / r.w % r.h), j = int(at % r.w);
	float s = 0.0;
	if (r.within != 0) {
		uint plane = at / area * area;
		for (int y = max(0, i - r.below); y <= min(int(r.h) - 1, i + r.above); y++)
			for (int u = max(0, j - r.below); u <= min(int(r.w) - 1, j + r.above); u++) {
				float v = get(x, plane + uint(y) * r.w + uint(u));
				s += v * v;
			}
	} else {
		int first = c / int(r.maps) * int(r.maps);
		for (int k = max(first, c - r.below); k <= min(first + int(r.maps) - 1, c + r.above); k++) {
			float v = get(x, uint(int(at) + (k - c) * int(area)));
			s += v * v;
		}
	}
	return r.k + r.alpha * s;
}
