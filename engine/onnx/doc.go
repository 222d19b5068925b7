// Package onnx writes a trained net as an ONNX model for ONNX Runtime and many other
// programs. It also reads ONNX models of such nets.
//
// The model's only input, "pixels", is uint8 (N, H, W, 3): RGB bytes of the crop,
// rows first, as a decoded picture is in memory. The model subtracts the mean and
// scales by itself, so a caller needs no such numbers. Its only output,
// "probabilities", is float32 (N, classes), after softmax. N is free.
//
// Layers that read their own tower are grouped convolutions. Response normalisation
// stays within a tower: it reads (N, C, H, W) as (N·towers, C/towers, H, W), which
// moves no data. Dropout in its 2012 form is its factor at test, 1 − rate.
//
// The model needs operator set 13 (ONNX 1.8, 2020). Its metadata holds "classes" (a
// JSON list of class ids in the order of the output), "class_names" (names for
// people, "" for none) if there are some, and "net" (a JSON net file). A file of
// protobuf messages cannot exceed 2 GiB.
//
// Format: onnx/onnx.proto and docs/Operators.md of github.com/onnx/onnx.
package onnx
