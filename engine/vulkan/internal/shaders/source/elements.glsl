// For shaders with an invocation an element.
layout(local_size_x_id = 0) in;
