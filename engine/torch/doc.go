// Package torch exchanges trained nets with PyTorch as safetensors files that plain
// torch.nn modules load with load_state_dict.
//
// The names are those of torchvision's nets: "features.N.weight" up to the first
// dense layer, or the dropout before it, and "classifier.N.weight" from there on. N
// counts all layers; each is a slot of an nn.Sequential. "mean" (3, H, W) is
// subtracted from the module's input, pixels from 0 to 255. Plain modules lack two
// steps of a net, so Write folds them into the weights: the input's scale into those
// of the first layer, and the factor 1 − rate of 2012's dropout at test into those of
// the layer behind the dropout. So nn.Dropout, which divides in training instead, is
// right in both modes.
//
// The metadata holds "format" ("pt", as PyTorch's tools expect), "net" (the net file
// that fits these weights: input scale 1, inverted dropout), and "classes", a JSON
// list, with "class_names" if there are names for people. Open reads files with the
// same names, also with the prefixes of DataParallel, torch.compile or an attribute,
// and with numbers of types F16, BF16 and F64. It also reads the files of torch.save,
// as data: it notes a pickle's calls and makes none.
package torch
