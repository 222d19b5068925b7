// Package onnx writes a trained net as an ONNX model, which ONNX Runtime and
// many other programs run.
//
// The model's one input, "pixels", is uint8 (N, H, W, 3): RGB bytes of the
// crop, rows first, as a decoded picture lies in memory. Subtracting the mean
// and scaling are part of the model, so there are no numbers to get wrong
// outside. Its one output, "probabilities", is float32 (N, classes), after
// softmax. N is free.
//
// Layers that read their own tower are grouped convolutions. Response
// normalisation stays within a tower by seeing (N, C, H, W) as (N·towers,
// C/towers, H, W), which moves no data. Dropout in its 2012 form is its factor
// at test, 1 − rate.
//
// The model needs operator set 13 (ONNX 1.8, 2020). Its metadata has "classes",
// a JSON list of class ids in the order of the output, "class_names", those for people
// ("" for none) where there are some, and "net", the net as a
// JSON net file. A file of protobuf messages cannot pass 2 GiB.
//
// Format: onnx/onnx.proto and docs/Operators.md of github.com/onnx/onnx.
package onnx
