// Package torch exchanges trained nets with PyTorch as safetensors files that
// plain torch.nn modules load with load_state_dict.
//
// The names are those of torchvision's nets: "features.N.weight" up to the first
// dense layer, or the dropout before it, and "classifier.N.weight" from there on, where N counts all layers,
// each a slot of an nn.Sequential. "mean" (3, H, W) is what a module subtracts
// from its input, pixels from 0 to 255. What a plain module doesn't do is folded
// into the weights: the input's scale into the first layer's, and the factor
// 1 − rate of 2012's dropout at test into those of the layer behind it, so that
// nn.Dropout, which divides in training instead, is right in both modes.
//
// The metadata has "format" ("pt", as PyTorch's tools expect), "net", the net
// file of what the weights now are (input scale 1, inverted dropout), and
// "classes", a JSON list, with "class_names" where people have names for them. Open takes files of the same names back, also where
// DataParallel, torch.compile or an attribute has lengthened them, and numbers of
// types F16, BF16 and F64. It reads what torch.save writes too, as data: a pickle's
// calls are noted, not made.
package torch
