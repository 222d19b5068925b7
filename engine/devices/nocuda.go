//go:build nocuda

package devices

// gpus is empty in a build without CUDA.
var gpus []kind
