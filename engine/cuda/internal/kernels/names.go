package kernels

import "slices"

// Names lists every kernel of the module, sorted.
func Names() []string {
	names := []string{
		"accumulate", "column_sum_chunks", "set_step", "spin", "update",
		"transpose_u8", "transpose_f32_f32", "transpose_f32_bf16", "transpose_bf16_f32",
		"cast_f32_f32", "cast_f32_bf16", "cast_bf16_f32",
		"fold_weights_f32_f32", "fold_weights_f32_bf16", "fold_weights_bf16_bf16",
	}
	for _, t := range []string{"_f32", "_bf16"} {
		for _, name := range []string{"activate", "activate_backward", "fill", "local_data", "local_forward", "local_weights", "softmax_loss", "unfold_weights"} {
			names = append(names, name+t)
		}
		for _, name := range []string{
			"activate_backward_sum", "avg_pool_backward", "avg_pool_forward", "bias_activate", "column_sum", "concat", "dropout", "fold_input", "input", "input_folded",
			"lrn_backward", "lrn_forward", "lrn_pool_forward", "lrn_within_forward", "lrn_within_gather", "lrn_within_pull",
			"max_pool_backward", "max_pool_forward", "pool_lrn_backward", "sum_slices",
		} {
			names = append(names, name+t, name+t+"_any")
		}
	}
	slices.Sort(names)
	return names
}
