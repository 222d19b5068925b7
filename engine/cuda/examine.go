package cuda

// Survey lists what a machine has for this package (GPUs and NVIDIA's libraries) and
// what is missing.
type Survey struct {
	GPUs      []GPU
	Libraries []Library // found, the driver first
	Missing   []Missing
	Kernels   string // the compiler of this build's kernels, and their PTX version
	Err       error  // why GPUs could not be listed, if no library is missing
}

// GPU is one of the machine's GPUs.
type GPU struct {
	Name       string // for Open: "cuda:0"
	Model      string // "NVIDIA H200"
	Memory     int64  // bytes in all
	Capability string // "9.0"
	Processors int    // streaming multiprocessors
	Peers      []string
}

// Library is one of NVIDIA's libraries, found at run time.
type Library struct{ Name, Version, Path string }

// Missing is a library that is not there or cannot be used.
type Missing struct {
	Name    string
	Why     string
	Install []string // lines; each one alone solves it
}
