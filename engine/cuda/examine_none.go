//go:build nocuda

package cuda

// Examine finds nothing in a build without CUDA.
func Examine() Survey {
	return Survey{Missing: []Missing{{Name: "CUDA", Why: "left out of this build", Install: []string{"a build without the tag nocuda"}}}}
}
