package cuda

// Survey is what a machine has for this package: GPUs, NVIDIA's libraries, and
// what is missing.
type Survey struct {
	GPUs      []GPU
	Libraries []Library // found, the driver first
	Missing   []Missing
	Kernels   string // what compiled this build's kernels, and the PTX they are
	Err       error  // why GPUs couldn't be listed, where no library is missing
}

// GPU is one of the machine's.
type GPU struct {
	Name       string // for Open: "cuda:0"
	Model      string // "NVIDIA H200"
	Memory     int64  // bytes in all
	Capability string // "9.0"
	Processors int    // streaming multiprocessors
	Peers      []string
}

// Library is one of NVIDIA's, found at run time.
type Library struct{ Name, Version, Path string }

// Missing is one that isn't there, or isn't as it must be.
type Missing struct {
	Name    string
	Why     string
	Install []string // lines, any one of which helps
}
