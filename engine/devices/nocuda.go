//go:build nocuda

package devices

// cudaKind is empty in a build without CUDA.
var cudaKind []kind
