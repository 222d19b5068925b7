package nvidia

import (
	"cmp"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"alexnet/internal/dynlib"
)

// pathsVariable is the environment variable with folders to search first.
const pathsVariable = "ALEXNET_CUDA_LIBS"

// Options say where libraries are looked for.
type Options struct {
	// Paths are absolute folders to look in before those of $ALEXNET_CUDA_LIBS and
	// all others, for the driver too.
	Paths []string
}

// search lists the folders to search for libraries, in order; "" stands for the dynamic
// linker. Every folder is absolute. A library is loaded only if dynlib.Check allows it.
type search struct {
	driver  []string // folders of libcuda
	folders []string // of all others
	refused []error  // folders of the environment that aren't searched
}

// places returns the folders that exist. The driver is part of the system: it is not
// searched for in folders of the user or of the environment.
func places(o Options) *search {
	s := new(search)
	named := s.absolute(filepath.SplitList(os.Getenv(pathsVariable)), "$"+pathsVariable)
	all := slices.Concat(o.Paths, named, []string{""})
	environments := s.prefixes()
	for _, site := range sitePackages(environments) {
		all = append(all, wheelFolders(site)...)
	}
	for _, prefix := range environments {
		if conda := filepath.Join(prefix, "conda-meta"); len(existing([]string{conda})) > 0 {
			all = append(all, filepath.Join(prefix, "lib")) // conda's packages have no folders of their own
		}
	}
	system := systemFolders()
	s.folders = existing(append(all, system...))
	s.driver = existing(slices.Concat(o.Paths, []string{""}, system))
	return s
}

// absolute returns the absolute folders, and refuses the others, which depend on the
// current folder. origin says where they are named.
func (s *search) absolute(folders []string, origin string) []string {
	var kept []string
	for _, f := range folders {
		if f == "" {
			continue
		}
		if err := dynlib.Absolute(f, origin); err != nil {
			s.refused = append(s.refused, err)
			continue
		}
		kept = append(kept, f)
	}
	return kept
}

// existing drops folders that don't exist and repetitions.
func existing(folders []string) []string {
	var kept []string
	for _, f := range folders {
		if slices.Contains(kept, f) {
			continue
		}
		if info, err := os.Stat(f); f == "" || err == nil && info.IsDir() {
			kept = append(kept, f)
		}
	}
	return kept
}

// wheelFolders returns the folders in which NVIDIA's wheels put libraries in a Python
// environment.
func wheelFolders(site string) []string {
	var all []string
	for _, part := range []string{"cu13", "cu12", "cublas", "cudnn", "cuda_nvrtc", "cuda_runtime", "nccl"} {
		all = append(all, filepath.Join(site, "nvidia", part, "lib"))
	}
	return all
}

// prefixes returns the folders of the Python environments, the active one first, without
// running Python. None depends on the current folder.
func (s *search) prefixes() []string {
	prefixes := slices.Concat(s.absolute([]string{os.Getenv("VIRTUAL_ENV")}, "$VIRTUAL_ENV"), s.absolute([]string{os.Getenv("CONDA_PREFIX")}, "$CONDA_PREFIX"))
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		python := filepath.Join(folder, "python3")
		if info, err := os.Stat(python); err != nil || info.IsDir() || len(s.absolute([]string{cmp.Or(folder, ".")}, "$PATH")) == 0 {
			continue
		}
		prefixes = append(prefixes, filepath.Dir(folder))
		if real, err := filepath.EvalSymlinks(python); err == nil {
			prefixes = append(prefixes, filepath.Dir(filepath.Dir(real)))
		}
	}
	if home, err := os.UserHomeDir(); err == nil && len(s.absolute([]string{home}, "$HOME")) > 0 {
		prefixes = append(prefixes, filepath.Join(home, ".venv"), filepath.Join(home, "venv"), filepath.Join(home, ".local"))
		prefixes = append(prefixes, glob(filepath.Join(home, ".pyenv/versions/*"))...)
		prefixes = append(prefixes, glob(filepath.Join(home, "*conda3"))...)
		prefixes = append(prefixes, filepath.Join(home, "miniforge3"))
	}
	prefixes = append(prefixes, "/usr/local", "/usr")
	for _, pattern := range []string{"/opt/*/.venv", "/opt/*/venv", "/opt/*"} {
		prefixes = append(prefixes, glob(pattern)...)
	}
	return prefixes
}

// sitePackages are the package folders of environments.
func sitePackages(prefixes []string) []string {
	var sites []string
	for _, prefix := range prefixes {
		for _, pattern := range []string{"lib/python3*/site-packages", "lib/python3*/dist-packages", "lib/python3/dist-packages", "lib64/python3*/site-packages"} {
			sites = append(sites, glob(filepath.Join(prefix, pattern))...)
		}
	}
	return existing(sites)
}

// systemFolders returns the folders in which toolkits, distributions and containers
// put libraries.
func systemFolders() []string {
	multiarch := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	all := glob("/usr/local/cuda*/lib64")
	slices.SortFunc(all, newestFirst)
	return append(all,
		"/opt/cuda/lib64", filepath.Join("/usr/lib", multiarch), "/usr/lib64", "/usr/lib",
		"/usr/local/nvidia/lib64", "/usr/local/nvidia/lib", "/usr/lib/wsl/lib", "/run/opengl-driver/lib",
		filepath.Join("/usr/lib", multiarch, "nvidia/current"))
}

// newestFirst puts /usr/local/cuda first, then cuda-13.0 before cuda-12.8.
func newestFirst(a, b string) int {
	version := func(path string) float64 {
		_, number, dashed := strings.Cut(filepath.Base(filepath.Dir(path)), "-")
		if !dashed {
			return 1e9
		}
		major, minor, _ := strings.Cut(number, ".")
		x, _ := strconv.Atoi(major)
		y, _ := strconv.Atoi(minor)
		return float64(x) + float64(y)/1000
	}
	return int(1e3*version(b)) - int(1e3*version(a))
}

func glob(pattern string) []string {
	found, _ := filepath.Glob(pattern)
	slices.SortFunc(found, func(a, b string) int { return strings.Compare(b, a) })
	return found
}
