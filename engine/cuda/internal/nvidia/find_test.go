package nvidia

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

func TestPlaces(t *testing.T) {
	home := t.TempDir()
	venv, conda := filepath.Join(home, "project"), filepath.Join(home, "miniconda3")
	first, second := filepath.Join(home, "first"), filepath.Join(home, "second")
	lib := "lib/python3.12/site-packages/nvidia"
	for _, f := range []string{first, second,
		filepath.Join(venv, lib, "cu13/lib"), filepath.Join(venv, lib, "cudnn/lib"),
		filepath.Join(home, ".local", lib, "cublas/lib"), filepath.Join(home, ".pyenv/versions/3.11.7", lib, "nccl/lib"),
		filepath.Join(conda, "conda-meta"), filepath.Join(conda, "lib"),
	} {
		ok(t, os.MkdirAll(f, 0o777))
	}
	t.Setenv("HOME", home)
	t.Setenv("PATH", "/nonexistent")
	t.Setenv("VIRTUAL_ENV", venv)
	t.Setenv("CONDA_PREFIX", "")
	t.Setenv(pathsVariable, second+string(os.PathListSeparator)+filepath.Join(home, "missing"))
	found := places(Options{Paths: []string{first}})
	got := found.folders
	want := []string{first, second, "", filepath.Join(venv, lib, "cu13/lib"), filepath.Join(venv, lib, "cudnn/lib"),
		filepath.Join(home, ".local", lib, "cublas/lib"), filepath.Join(home, ".pyenv/versions/3.11.7", lib, "nccl/lib")}
	if !slices.Equal(got[:len(want)], want) {
		t.Errorf("looks in\n%s\nwant first\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !slices.Contains(got, filepath.Join(conda, "lib")) || slices.Contains(got, filepath.Join(venv, "lib")) {
		t.Errorf("looks in\n%s\nwant the lib of what conda has made, and of nothing else", strings.Join(got, "\n"))
	}
}

func TestNewestFirst(t *testing.T) {
	all := []string{"/usr/local/cuda-12.8/lib64", "/usr/local/cuda-13.0/lib64", "/usr/local/cuda/lib64", "/usr/local/cuda-12.10/lib64"}
	slices.SortFunc(all, newestFirst)
	if got := strings.Join(all, " "); got != "/usr/local/cuda/lib64 /usr/local/cuda-13.0/lib64 /usr/local/cuda-12.10/lib64 /usr/local/cuda-12.8/lib64" {
		t.Error(got)
	}
}

func TestVersions(t *testing.T) {
	for got, want := range map[string]string{
		cudaVersion(12040): "12.4", cudaVersion(13000): "13.0", cudaVersion(11080): "11.8",
		ltVersion(130401): "13.4.1", ltVersion(120903): "12.9.3", dnnVersion(92600): "9.26.0",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// link makes a folder with some of the fakes, under other names if need be.
func link(t *testing.T, f *fakes, names map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, fake := range names {
		ok(t, os.Link(filepath.Join(f.folder, fake), filepath.Join(folder, name)))
	}
	return folder
}

// TestMissing loads what a folder has, and reads what is said of the rest.
func TestMissing(t *testing.T) {
	f := useFakes(t)
	t.Setenv("HOME", t.TempDir())
	t.Setenv("PATH", "/nonexistent")
	t.Setenv("VIRTUAL_ENV", "")
	t.Setenv("CONDA_PREFIX", "")
	const cuda, lt, dnn = "libcuda.so.1", "libcublasLt.so.13", "libcudnn.so.9"
	const nowhere = "not in the linker's folders, in a Python environment or under /usr/local/cuda*; name its folder in $" + pathsVariable + " if it is elsewhere"
	const drivers = "; install it with the driver's installer (https://www.nvidia.com/drivers), or with apt-get install nvidia-driver libcuda1 (Debian), or with ubuntu-drivers install (Ubuntu)"
	for name, c := range map[string]struct {
		files   map[string]string
		version int
		want    []string // of each that is missing, in order
	}{
		"everything": {map[string]string{cuda: cuda, lt: lt, dnn: dnn}, 13000, nil},
		"driver is no driver": {map[string]string{cuda: lt}, 13000,
			[]string{"NVIDIA driver: FOLDER/libcuda.so.1 lacks cuInit: FAKES/libcublasLt.so.13: undefined symbol: cuInit" + drivers}},
		"driver too old": {map[string]string{cuda: cuda, lt: lt, dnn: dnn}, 11040,
			[]string{"NVIDIA driver: FAKES/libcuda.so.1 runs CUDA 11.4; 12.4 or newer is needed, driver 550 or newer" + drivers}},
		"only a newer cuBLAS": {map[string]string{cuda: cuda, lt: lt, dnn: dnn}, 12040,
			[]string{"cuBLASLt 12: there is only FOLDER/libcublasLt.so.13, and the driver runs CUDA 12.4; install it with pip install nvidia-cublas-cu12 nvidia-cuda-nvrtc-cu12, or with apt-get install libcublas-12-9 (NVIDIA's repository)",
				"cuDNN 9: FOLDER/libcudnn.so.9 is built for CUDA 13, the driver runs 12.4; install it with pip install nvidia-cudnn-cu12, or with apt-get install libcudnn9-cuda-12 (NVIDIA's repository)"}},
		"cuDNN of another version": {map[string]string{cuda: cuda, lt: lt, "libcudnn.so.8": dnn}, 13000,
			[]string{"cuDNN 9: there is only FOLDER/libcudnn.so.8, and the driver runs CUDA 13.0; install it with pip install nvidia-cudnn-cu13, or with apt-get install libcudnn9-cuda-13 (NVIDIA's repository)"}},
		"cuDNN is no cuDNN": {map[string]string{cuda: cuda, lt: lt, dnn: cuda}, 13000,
			[]string{"cuDNN 9: FOLDER/libcudnn.so.9 lacks cudnnCreate: FAKES/libcuda.so.1: undefined symbol: cudnnCreate; install it with pip install nvidia-cudnn-cu13, or with apt-get install libcudnn9-cuda-13 (NVIDIA's repository)"}},
		"no cuBLAS and no cuDNN": {map[string]string{cuda: cuda}, 13000,
			[]string{"cuBLASLt 13 or 12: " + nowhere + "; install it with pip install nvidia-cublas nvidia-cuda-nvrtc, or with apt-get install libcublas-13-0 (NVIDIA's repository)",
				"cuDNN 9: " + nowhere + "; install it with pip install nvidia-cudnn-cu13, or with apt-get install libcudnn9-cuda-13 (NVIDIA's repository)"}},
	} {
		t.Run(name, func(t *testing.T) {
			folder := link(t, f, c.files)
			f.start(c.version, 90, 1<<30, true) // a link is the same library to the linker
			_, missing := loadFrom(in(folder))
			f.start(13000, 90, 1<<30, true)
			if len(missing) != len(c.want) {
				t.Fatalf("missing %v, want %d", missing, len(c.want))
			}
			for i, m := range missing {
				if want := strings.NewReplacer("FOLDER", folder, "FAKES", f.folder).Replace(c.want[i]); m.Error() != want {
					t.Errorf("missing %v\nwant    %s", m, want)
				}
				if !errors.Is(m, gpu.ErrUnsupported) || len(m.Install) == 0 {
					t.Errorf("%+v", m)
				}
			}
		})
	}
}

// TestOtherMajors: files of the right names that say they are of another version.
func TestOtherMajors(t *testing.T) {
	f := useFakes(t)
	t.Setenv("HOME", t.TempDir())
	const install = "; install it with pip install nvidia-cudnn-cu13, or with apt-get install libcudnn9-cuda-13 (NVIDIA's repository)"
	for name, c := range map[string]struct{ define, want string }{
		"cuDNN 8":            {"DNN_VERSION=80907", "cuDNN 9: FOLDER/libcudnn.so.9 is cuDNN 8, want 9" + install},
		"cuDNN for CUDA 12":  {"DNN_CUDART=12090", "cuDNN 9: FOLDER/libcudnn.so.9 is built for CUDA 12, cuBLASLt is of 13" + install},
		"cuDNN for CUDA 14":  {"DNN_CUDART=14000", "cuDNN 9: FOLDER/libcudnn.so.9 is built for CUDA 14, the driver runs 13.0" + install},
		"a later cuDNN of 9": {"DNN_VERSION=99900", ""},
	} {
		t.Run(name, func(t *testing.T) {
			folder := link(t, f, map[string]string{"libcuda.so.1": "libcuda.so.1", "libcublasLt.so.13": "libcublasLt.so.13"})
			out, err := exec.Command("gcc", "-shared", "-fPIC", "-D"+c.define, "-o", filepath.Join(folder, "libcudnn.so.9"), filepath.Join("testdata", "fakednn.c")).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			_, missing := loadFrom(in(folder))
			got := ""
			if len(missing) > 0 {
				got = missing[0].Error()
			}
			if want := strings.ReplaceAll(c.want, "FOLDER", folder); len(missing) > 1 || got != want {
				t.Errorf("missing %v\nwant    %s", missing, want)
			}
		})
	}
}

// TestTwoVersions: a cuBLASLt that has no cuDNN stands before a pair of another
// version, whichever of the two is newer.
func TestTwoVersions(t *testing.T) {
	f := useFakes(t)
	older := t.TempDir()
	for file, how := range map[string][]string{
		"libcublasLt.so.12": {"-DLT_VERSION=120903", "testdata/fakelt.c"}, "libcudnn.so.9": {"-DDNN_CUDART=12090", "testdata/fakednn.c"},
	} {
		out, err := exec.Command("gcc", append([]string{"-shared", "-fPIC", "-o", filepath.Join(older, file)}, how...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("PATH", "/nonexistent")
	t.Setenv("VIRTUAL_ENV", "")
	t.Setenv("CONDA_PREFIX", "")
	newer := link(t, f, map[string]string{"libcublasLt.so.13": "libcublasLt.so.13", "libcudnn.so.9": "libcudnn.so.9"})
	toolkit := func(of, lt string) string {
		folder := t.TempDir()
		ok(t, os.Link(filepath.Join(of, lt), filepath.Join(folder, lt)))
		return folder
	}
	for what, c := range map[string]struct {
		toolkit, pair string
		want          []string
	}{
		"the pair is older": {toolkit(newer, "libcublasLt.so.13"), older, []string{"12.9.3", older}},
		"the pair is newer": {toolkit(older, "libcublasLt.so.12"), newer, []string{"13.4.1", f.folder}},
	} {
		l, missing := loadFrom(in(link(t, f, map[string]string{"libcuda.so.1": "libcuda.so.1"}), c.toolkit, c.pair))
		if len(missing) > 0 || len(l.found) != 3 {
			t.Errorf("%s: found %v, missing %v", what, l.found, missing)
			continue
		}
		lt, dnn := l.found[1], l.found[2]
		if lt.Version != c.want[0] || dnn.Path != filepath.Join(c.want[1], "libcudnn.so.9") || ltVersion(int(call(l.lt.getVersion))) != c.want[0] {
			t.Errorf("%s: found %v", what, l.found)
		}
	}
}

// TestTakenGPU: other processes have the GPU to themselves, or fill its memory.
func TestTakenGPU(t *testing.T) {
	locked(t)
	f := useFakes(t)
	for code, want := range map[int]string{
		46: "another process has the GPU to itself: end it (nvidia-smi lists it), or let processes share the GPU with nvidia-smi -i 1 -c DEFAULT: cuDevicePrimaryCtxRetain: CUDA_ERROR_DEVICE_UNAVAILABLE: CUDA-capable device(s) is/are busy or unavailable (46)",
		2:  "other processes leave no memory on the GPU for one more (nvidia-smi lists them): cuDevicePrimaryCtxRetain: CUDA_ERROR_OUT_OF_MEMORY: out of memory (2)",
	} {
		f.failNext("cuDevicePrimaryCtxRetain", code, 0)
		if _, err := f.openDevice(1); err == nil || err.Error() != want {
			t.Errorf("error %v\nwant  %s", err, want)
		}
		f.start(13000, 90, 1<<30, true) // every call on a lost device fails alike
	}
}

// TestOldestDriver: it is the first that reads the kernels.
func TestOldestDriver(t *testing.T) {
	v := ptxVersion.FindSubmatch(kernels.PTX())
	if v == nil || cudaOfPTX(string(v[1])) != cudaVersion(minDriver) {
		t.Errorf("the kernels are PTX %s, the oldest driver runs CUDA %s", v[1], cudaVersion(minDriver))
	}
}

func TestNoGPU(t *testing.T) {
	f := useFakes(t)
	f.failNext("cuInit", 100, 0)
	l, missing := loadFrom(in(link(t, f, map[string]string{"libcuda.so.1": "libcuda.so.1"})))
	if l.ready || len(missing) != 1 || missing[0].Name != "GPU" || !strings.Contains(missing[0].Why, "CUDA_ERROR_NO_DEVICE") {
		t.Errorf("missing %v", missing)
	}
}

func TestNoDriver(t *testing.T) {
	_, missing := loadFrom(in(t.TempDir()))
	if len(missing) != 1 || missing[0].Name != "NVIDIA driver" || !strings.Contains(missing[0].Why, "libcuda.so.1") {
		t.Errorf("missing %v", missing)
	}
}

// TestOpen goes the whole way through the fakes' folder.
func TestOpen(t *testing.T) {
	locked(t)
	f := useFakes(t)
	folder := link(t, f, map[string]string{"libcuda.so.1": "libcuda.so.1", "libcublasLt.so.13": "libcublasLt.so.13", "libcudnn.so.9": "libcudnn.so.9"})
	o := Options{Paths: []string{folder}}
	s := Examine(o)
	if s.Err != nil || len(s.Missing) > 0 || len(s.Devices) != 2 || s.Devices[0].Name != "Fake 0" || len(s.Libraries) < 3 {
		t.Fatalf("examined to %+v", s)
	}
	d := must[gpu.Device](t)(Open(1, o))
	if d.Describe().Index != 1 {
		t.Errorf("opened %+v", d.Describe())
	}
	ok(t, d.Close(), d.Close())
	for index, want := range map[int]string{2: "cuda:2: no such GPU, there is cuda:0, cuda:1", -1: "cuda:-1: no such GPU"} {
		if _, err := Open(index, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("opened %d: %v", index, err)
		}
	}
}
