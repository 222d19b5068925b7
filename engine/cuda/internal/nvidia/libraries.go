package nvidia

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"alexnet/engine/cuda/internal/gpu"
	"alexnet/internal/dynlib"
)

// minDriver is the oldest supported CUDA version of a driver, as cuDriverGetVersion
// counts: 12.4 (driver 550), the first that reads the PTX of the kernels. It has all
// functions that are called.
const (
	minDriver  = 12040
	minRelease = 550
)

// libraries are the libraries that a process has loaded.
type libraries struct {
	driver  driverAPI
	lt      ltAPI
	dnn     dnnAPI
	version int           // newest CUDA version that the driver runs: 13000
	ready   bool          // the driver is loaded and initialised
	found   []gpu.Library // the driver first
	where   *search       // the searched folders
	nccl    ncclLibrary   // for ranks

	registry sync.Mutex
	open     []*device // for peer access between them
}

// Missing is a library that is not there or cannot be used.
type Missing struct {
	Name    string   // "cuDNN 9"
	Why     string   // what was found instead, or where it was looked for
	Install []string // command lines; each one alone solves it
}

func (m *Missing) Error() string {
	if len(m.Install) == 0 {
		return m.Name + ": " + m.Why
	}
	return fmt.Sprintf("%s: %s; install it with %s", m.Name, m.Why, strings.Join(m.Install, ", or with "))
}

// Unwrap makes a missing library gpu.ErrUnsupported.
func (m *Missing) Unwrap() error { return gpu.ErrUnsupported }

// load loads the driver and the libraries. It continues if one is missing, so that all
// missing ones can be named.
func load(o Options) (*libraries, []*Missing) { return loadFrom(places(o)) }

func loadFrom(s *search) (*libraries, []*Missing) {
	where := s.folders
	l := &libraries{where: s}
	if m := l.loadDriver(s.driver); m != nil {
		return l, []*Missing{m}
	}
	var missing []*Missing
	major, m := l.loadLt(where, 0)
	if m != nil {
		missing = append(missing, m)
	}
	if major > 0 {
		l.preload("NVRTC", where, fmt.Sprintf("libnvrtc.so.%d", major))
	}
	if m := l.loadDNN(where, major); m != nil && !l.loadOther(where, major) {
		missing = append(missing, m)
	}
	return l, missing
}

// loadOther loads cuBLASLt and cuDNN of another CUDA version, if there is no cuDNN for
// the cuBLASLt that was found: a toolkit of one version often comes before a Python
// environment with both libraries in another.
func (l *libraries) loadOther(where []string, than int) bool {
	if than == 0 {
		return false
	}
	other := &libraries{version: l.version, where: l.where}
	major, m := other.loadLt(where, than)
	if m != nil {
		return false
	}
	other.preload("NVRTC", where, fmt.Sprintf("libnvrtc.so.%d", major))
	if other.loadDNN(where, major) != nil {
		return false
	}
	l.lt, l.dnn = other.lt, other.dnn
	l.found = append(l.found[:1:1], other.found...) // the driver, and these
	return true
}

// try loads the first of names, in any place, that accept accepts. refusals say why
// others were not used.
func try(where []string, names []string, accept func(handle uintptr, path string) error) (refusals []error, ok bool) {
	for _, folder := range where {
		for _, name := range names {
			path := inPlace(folder, name)
			if folder != "" {
				if _, err := os.Stat(path); err != nil {
					continue
				}
			}
			err := dynlib.Check(path)
			refused := err != nil
			var handle uintptr
			if !refused {
				handle, err = dlopen(path)
			}
			if err != nil {
				if folder != "" || refused || !supported {
					refusals = append(refusals, err)
				}
				continue
			}
			if err := accept(handle, path); err != nil {
				refusals = append(refusals, err)
				dlclose(handle)
				continue
			}
			return nil, true
		}
	}
	return refusals, false
}

// loadDriver loads and initialises libcuda, which is part of the kernel's driver and not
// of a toolkit.
func (l *libraries) loadDriver(where []string) *Missing {
	m := &Missing{Name: "NVIDIA driver", Install: []string{
		"the driver's installer (https://www.nvidia.com/drivers)", "apt-get install nvidia-driver libcuda1 (Debian)", "ubuntu-drivers install (Ubuntu)"}}
	refusals, ok := try(where, []string{"libcuda.so.1"}, func(handle uintptr, path string) error {
		if err := bind(handle, path, l.driver.functions()); err != nil {
			return err
		}
		var version int32
		call(l.driver.driverGetVersion, address(&version))
		l.version = int(version)
		l.found = []gpu.Library{{Name: "driver", Path: pathOf(l.driver.init), Version: cudaVersion(l.version) + kernelDriver()}}
		return nil
	})
	switch {
	case !ok && len(refusals) > 0:
		m.Why = errors.Join(refusals...).Error()
		if !supported {
			m.Install = nil // nothing from here would be used
		}
	case !ok && kernelDriver() != "":
		m.Why = "the kernel's driver is loaded, but there is no libcuda.so.1: in a container, run it with --gpus all (NVIDIA container toolkit)"
		m.Install = []string{"apt-get install libcuda1 of the driver's version"}
	case !ok:
		m.Why = "no libcuda.so.1 in the linker's folders nor in any folder looked through"
	case l.version < minDriver:
		m.Why = fmt.Sprintf("%s runs CUDA %s; %s or newer is needed, driver %d or newer",
			l.found[0].Path, cudaVersion(l.version), cudaVersion(minDriver), minRelease)
	default:
		err := l.check("cuInit", call(l.driver.init, 0))
		if err == nil {
			l.ready = true
			return nil
		}
		m.Why = err.Error()
		var e *gpu.CallError
		if errors.As(err, &e) && e.Code == codeNoDevice {
			m.Name, m.Install = "GPU", []string{"one that the driver sees: $CUDA_VISIBLE_DEVICES may hide it, nvidia-smi lists them", "containers are given theirs by --gpus all"}
		}
	}
	return m
}

// loadLt loads cuBLASLt, but not of the major version without, and returns its
// major version, 0 for none.
func (l *libraries) loadLt(where []string, without int) (int, *Missing) {
	var names []string
	for major := min(l.version/1000, 13); major >= 12; major-- {
		if major == without {
			continue
		}
		names = append(names, fmt.Sprintf("libcublasLt.so.%d", major))
	}
	major := 0
	refusals, ok := try(where, names, func(handle uintptr, path string) error {
		if err := bind(handle, path, l.lt.functions()); err != nil {
			return err
		}
		version := int(call(l.lt.getVersion))
		major = version / 10000
		l.found = append(l.found, gpu.Library{Name: "cuBLASLt", Path: pathOf(l.lt.getVersion), Version: ltVersion(version)})
		return nil
	})
	if ok {
		return major, nil
	}
	cuda := l.wheelMajor()
	suffix := map[int]string{12: "-cu12", 13: ""}[cuda]
	return 0, &Missing{Name: "cuBLASLt " + strings.Join(versionsOf(names), " or "),
		Why: l.notFound("libcublasLt.so.*", refusals),
		Install: []string{"pip install nvidia-cublas" + suffix + " nvidia-cuda-nvrtc" + suffix,
			"apt-get install " + aptCUDA("libcublas", cuda) + " (NVIDIA's repository)"}}
}

// loadDNN loads cuDNN 9, built for a CUDA version of the driver and cuBLASLt.
func (l *libraries) loadDNN(where []string, ltMajor int) *Missing {
	refusals, ok := try(where, []string{"libcudnn.so.9"}, func(handle uintptr, path string) error {
		if err := bind(handle, path, l.dnn.functions()); err != nil {
			return err
		}
		version, runtime := int(call(l.dnn.getVersion)), int(call(l.dnn.getCudartVersion))/1000
		if version/10000 != 9 {
			return fmt.Errorf("%s is cuDNN %d, want 9", path, version/10000)
		}
		if runtime > l.version/1000 {
			return fmt.Errorf("%s is built for CUDA %d, the driver runs %s", path, runtime, cudaVersion(l.version))
		}
		if ltMajor != 0 && runtime != ltMajor {
			return fmt.Errorf("%s is built for CUDA %d, cuBLASLt is of %d", path, runtime, ltMajor)
		}
		l.found = append(l.found, gpu.Library{Name: "cuDNN", Path: pathOf(l.dnn.getVersion), Version: dnnVersion(version)})
		return nil
	})
	if ok {
		return nil
	}
	cuda := l.wheelMajor()
	if ltMajor != 0 {
		cuda = ltMajor
	}
	return &Missing{Name: "cuDNN 9", Why: l.notFound("libcudnn.so.*", refusals),
		Install: []string{fmt.Sprintf("pip install nvidia-cudnn-cu%d", cuda),
			fmt.Sprintf("apt-get install libcudnn9-cuda-%d (NVIDIA's repository)", cuda)}}
}

// preload loads a library that another finds by its name, if it exists.
func (l *libraries) preload(title string, where []string, name string) {
	try(where, []string{name}, func(handle uintptr, path string) error {
		version := gpu.Library{Name: title, Path: path}
		if f, err := dlsym(handle, "nvrtcVersion"); err == nil {
			numbers := make([]int32, 2)
			call(f, address(&numbers[0]), address(&numbers[1]))
			version.Path, version.Version = pathOf(f), fmt.Sprintf("%d.%d", numbers[0], numbers[1])
		}
		l.found = append(l.found, version)
		return nil
	})
}

// wheelMajor is the CUDA version whose libraries this driver runs.
func (l *libraries) wheelMajor() int { return min(max(l.version/1000, 12), 13) }

// notFound explains a failed search, with files of other versions.
func (l *libraries) notFound(pattern string, refusals []error) string {
	if len(refusals) > 0 {
		return errors.Join(refusals...).Error()
	}
	for _, folder := range l.where.folders {
		if folder == "" {
			continue
		}
		for _, path := range glob(filepath.Join(folder, pattern)) {
			return fmt.Sprintf("there is only %s, and the driver runs CUDA %s", path, cudaVersion(l.version))
		}
	}
	why := "not in the linker's folders, in a Python environment or under /usr/local/cuda*; name its folder in $" + pathsVariable + " if it is elsewhere"
	if err := errors.Join(l.where.refused...); err != nil {
		why += "; " + err.Error()
	}
	return why
}

// cudaVersion writes 12040 as 12.4.
func cudaVersion(v int) string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }

// ltVersion writes 130401 as 13.4.1, dnnVersion 92600 as 9.26.0.
func ltVersion(v int) string  { return fmt.Sprintf("%d.%d.%d", v/10000, v/100%100, v%100) }
func dnnVersion(v int) string { return ltVersion(v) }

// kernelDriver is the version of the kernel's driver, " (driver 580.65.06)", or "" if
// none is loaded.
func kernelDriver() string {
	text, err := os.ReadFile("/proc/driver/nvidia/version")
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(text))
	for i, f := range fields {
		if f == "Module" && i+1 < len(fields) && !strings.HasPrefix(fields[i+1], "for") {
			return " (driver " + fields[i+1] + ")"
		}
		if strings.Count(f, ".") >= 1 && strings.Trim(f, "0123456789.") == "" {
			return " (driver " + f + ")"
		}
	}
	return ""
}

// versionsOf returns the versions in file names: 13 of libcublasLt.so.13.
func versionsOf(names []string) []string {
	var all []string
	for _, n := range names {
		all = append(all, strings.TrimPrefix(filepath.Ext(n), "."))
	}
	return all
}

// aptCUDA names a package of the first release of a major version.
func aptCUDA(name string, major int) string {
	return name + map[int]string{12: "-12-9", 13: "-13-0"}[major]
}
