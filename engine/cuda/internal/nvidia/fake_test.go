package nvidia

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
)

// fakes are the libraries of testdata: a driver, a cuBLASLt and a cuDNN on host
// memory, called as the real ones are.
type fakes struct {
	*libraries
	folder                    string
	reset, fail, logged, live uintptr
	ltLive, dnnLive, ncclLive *int32
	ncclFail, ncclReset       uintptr
	seen                      int // of the log
}

// buildFakes compiles them once, into a folder that TestMain removes.
var buildFakes = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "fake-nvidia-*")
	if err != nil {
		return "", err
	}
	fakeFolder = folder
	for source, library := range map[string]string{"fakecuda.c": "libcuda.so.1", "fakelt.c": "libcublasLt.so.13", "fakednn.c": "libcudnn.so.9", "fakenccl.c": "libnccl.so.2"} {
		// Without a soname: the real libraries, which ask the linker for
		// libcuda.so.1, must not be given the fake.
		out, err := exec.Command("gcc", "-O2", "-shared", "-fPIC", "-o", filepath.Join(folder, library), filepath.Join("testdata", source)).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%s: %w\n%s", source, err, out)
		}
	}
	return folder, nil
})

var fakeFolder string

func TestMain(m *testing.M) {
	code := m.Run()
	if fakeFolder != "" {
		os.RemoveAll(fakeFolder)
	}
	os.Exit(code)
}

// in is a search of nothing but folders.
func in(folders ...string) *search { return &search{driver: folders, folders: folders} }

var loadFakes = sync.OnceValues(func() (*fakes, error) {
	folder, err := buildFakes()
	if err != nil {
		return nil, err
	}
	where := []string{folder}
	l := &libraries{where: in(folder)}
	f := &fakes{libraries: l, folder: folder}
	if m := l.loadDriver(where); m != nil {
		return nil, m
	}
	major, m := l.loadLt(where, 0)
	if m != nil {
		return nil, m
	}
	if m := l.loadDNN(where, major); m != nil {
		return nil, m
	}
	for _, s := range []struct {
		file, name string
		to         *uintptr
	}{
		{"libcuda.so.1", "fake_reset", &f.reset}, {"libcuda.so.1", "fake_fail", &f.fail}, {"libcuda.so.1", "fake_log", &f.logged}, {"libcuda.so.1", "fake_live", &f.live},
		{"libcublasLt.so.13", "fake_lt_live", (*uintptr)(unsafe.Pointer(&f.ltLive))}, {"libcudnn.so.9", "fake_dnn_live", (*uintptr)(unsafe.Pointer(&f.dnnLive))},
		{"libnccl.so.2", "fake_nccl_live", (*uintptr)(unsafe.Pointer(&f.ncclLive))}, {"libnccl.so.2", "fake_nccl_fail", &f.ncclFail}, {"libnccl.so.2", "fake_nccl_reset", &f.ncclReset},
	} {
		handle, err := dlopen(filepath.Join(folder, s.file))
		if err != nil {
			return nil, err
		}
		if *s.to, err = dlsym(handle, s.name); err != nil {
			return nil, err
		}
	}
	return f, nil
})

// useFakes gives a test the fakes as they were, and checks in the end that
// everything was freed.
func useFakes(t *testing.T) *fakes {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no C compiler")
	}
	f, err := loadFakes()
	if err != nil {
		t.Fatal(err)
	}
	f.start(13000, 90, 1<<30, true)
	t.Cleanup(func() {
		f.start(13000, 90, 1<<30, true)
		if live := f.leaks(); live != "" {
			t.Errorf("not freed: %s", live)
		}
	})
	return f
}

// start sets the driver's version, the newest PTX it reads (major·10 + minor),
// the memory of a device, and whether devices reach each other's memory.
func (f *fakes) start(version, ptx int, memory int64, peers bool) {
	p := uintptr(0)
	if peers {
		p = 1
	}
	call(f.reset, uintptr(version), uintptr(ptx), uintptr(memory), p)
	call(f.driver.init, 0)
	call(f.ncclReset)
	f.version, f.seen = version, 0
}

// failNext makes a call fail after a number of good ones.
func (f *fakes) failNext(name string, code, after int) {
	text := terminated(name)
	call(f.fail, start(text), uintptr(code), uintptr(after))
}

// log returns the calls since its last call.
func (f *fakes) log() []string {
	text := cString(call(f.logged))
	news := strings.TrimSpace(text[min(f.seen, len(text)):])
	f.seen = len(text)
	if news == "" {
		return nil
	}
	return strings.Split(news, "\n")
}

// leaks names what hasn't been freed, or returns "".
func (f *fakes) leaks() string {
	kept.Lock()
	for handle, retained := range kept.handles { // as the process's end does
		if retained {
			call(f.driver.primaryRelease, uintptr(handle))
		}
	}
	clear(kept.handles)
	kept.Unlock()
	live := cString(call(f.live))
	var all []string
	if strings.Trim(live, "abcdefghijklmnopqrstuvwxyz 0") != "" {
		all = append(all, live)
	}
	if *f.ltLive != 0 {
		all = append(all, "cuBLASLt's descriptors")
	}
	if *f.dnnLive != 0 {
		all = append(all, "cuDNN's descriptors")
	}
	if *f.ncclLive != 0 {
		all = append(all, "communicators")
	}
	return strings.Join(all, ", ")
}

// open opens a device of the fake driver, bound to this thread until the test
// ends.
func (f *fakes) open(t *testing.T, index int) gpu.Device {
	t.Helper()
	d, err := f.openDevice(index)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Bind(); err != nil {
		t.Fatal(err)
	}
	return d
}
