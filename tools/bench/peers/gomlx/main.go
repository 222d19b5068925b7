// Command gomlx runs the two-tower AlexNet forward on GoMLX's Go backend, on
// random data in memory, and prints one JSON object with the keys of
// train_torch.py. It measures inference alone: the backend has no
// SelectAndScatterMax, which the gradient of max-pooling is made of
// (backends/simplego/capabilities.go, v0.26.0). It has a module of its own so
// that GoMLX is no dependency of the toolkit.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/gomlx/gomlx/backends"
	_ "github.com/gomlx/gomlx/backends/simplego"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/core/tensors/images"
)

// lrn is response normalisation per tower, as a banded product over the maps.
func lrn(x *Node) *Node {
	g, maps := x.Graph(), x.Shape().Dimensions[3]
	square := shapes.Make(dtypes.Float32, maps, maps)
	row, column := Iota(g, square, 0), Iota(g, square, 1)
	tower := func(i *Node) *Node {
		return ConvertDType(GreaterOrEqual(i, Scalar(g, dtypes.Float32, float64(maps/2))), dtypes.Float32)
	}
	near := LogicalAnd(LessOrEqual(Abs(Sub(row, column)), Scalar(g, dtypes.Float32, 2)), Equal(tower(row), tower(column)))
	band := MulScalar(ConvertDType(near, dtypes.Float32), 1e-4/5)
	s := AddScalar(Einsum("nhwc,cd->nhwd", Mul(x, x), band), 2)
	r := Rsqrt(s)
	return Mul(x, Mul(r, Sqrt(r)))
}

// weights are the shapes of the layers' weights, channels last.
var weights = [][]int{
	{11, 11, 3, 96}, {5, 5, 48, 256}, {3, 3, 256, 384}, {3, 3, 192, 384}, {3, 3, 192, 256},
	{9216, 4096}, {4096, 4096}, {4096, 1000},
}

// alexnet is train-alexnet's net of that name; args are the pictures and the weights.
func alexnet(args []*Node) *Node {
	x, w := args[0], args[1:]
	g := x.Graph()
	conv := func(x, w *Node, stride, pad, groups int) *Node {
		c := Convolve(x, w).ChannelsAxis(images.ChannelsLast).Strides(stride).
			PaddingPerDim([][2]int{{pad, pad}, {pad, pad}}).ChannelGroupCount(groups).DilationPerAxis(1, 1).InputDilationPerAxis(1, 1)
		return Max(c.Done(), ScalarZero(g, dtypes.Float32))
	}
	pool := func(x *Node) *Node {
		return MaxPool(x).ChannelsAxis(images.ChannelsLast).Window(3).Strides(2).NoPadding().Done()
	}
	x = pool(lrn(conv(x, w[0], 4, 2, 1)))
	x = pool(lrn(conv(x, w[1], 1, 2, 2)))
	x = conv(x, w[2], 1, 1, 1)
	x = conv(x, w[3], 1, 1, 2)
	x = pool(conv(x, w[4], 1, 1, 2))
	x = Reshape(x, x.Shape().Dimensions[0], -1)
	x = Max(Dot(x, w[5]), ScalarZero(g, dtypes.Float32))
	x = Max(Dot(x, w[6]), ScalarZero(g, dtypes.Float32))
	return Dot(x, w[7])
}

// noise is a tensor of the given shape.
func noise(dims ...int) *tensors.Tensor {
	n := 1
	for _, d := range dims {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = (rand.Float32() - 0.5) / 16
	}
	return tensors.FromFlatDataAndDimensions(values, dims...)
}

func main() {
	batch := flag.Int("batch", 128, "pictures in a step")
	steps := flag.Int("steps", 1, "steps to take the median of, after one that warms up")
	threads := flag.Int("threads", 0, "0 is one per core")
	flag.Parse()
	if *threads > 0 {
		runtime.GOMAXPROCS(*threads)
	}
	backend, err := backends.NewWithConfig("go")
	if err != nil {
		log.Fatal(err)
	}
	args := []any{noise(*batch, 224, 224, 3)}
	for _, dims := range weights {
		args = append(args, noise(dims...))
	}
	run := MustNewExec(backend, alexnet)
	var rates []float64
	for step := range *steps + 1 {
		began := time.Now()
		run.MustExec(args...)
		if step > 0 {
			rates = append(rates, float64(*batch)/time.Since(began).Seconds())
		}
	}
	slices.Sort(rates)
	err = json.NewEncoder(os.Stdout).Encode(map[string]any{"peer": "gomlx, Go backend", "batch": *batch, "infer_images_per_s": rates[len(rates)/2]})
	if err != nil {
		log.Fatal(err)
	}
}
