// For shaders with one invocation for each element.
layout(local_size_x_id = 0) in;
