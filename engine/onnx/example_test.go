package onnx_test

import (
	"bytes"
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/onnx"
)

// A net with first weights, as a file for ONNX Runtime.
func ExampleWrite() {
	net, err := engine.Preset("alexnet-mini", 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := cpu.New("cpu", cpu.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := engine.NewModel(net, []engine.Context{c}, engine.ModelConfig{Batch: 1, Inference: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	if err := m.Initialize(engine.InitPaper, 1); err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	err = onnx.Write(&file, m, engine.Labels{IDs: []string{"cat", "dog"}})
	fmt.Println(bytes.Contains(file.Bytes(), []byte(`["cat","dog"]`)), err)
	// Output: true <nil>
}
