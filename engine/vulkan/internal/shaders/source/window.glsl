// The geometry of a convolution, known when its pipeline is made: divisions by
// constants are cheap.
layout(constant_id = 9) const uint SIZE = 1;
layout(constant_id = 10) const uint STRIDE = 1;
layout(constant_id = 11) const int PAD = 0;
layout(constant_id = 12) const uint H = 1;
layout(constant_id = 13) const uint W = 1;
layout(constant_id = 14) const uint OH = 1;
layout(constant_id = 15) const uint OW = 1;
