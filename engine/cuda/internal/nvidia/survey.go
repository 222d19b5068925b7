package nvidia

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"alexnet/engine/cuda/internal/gpu"
)

// Survey lists the GPUs and libraries of this machine.
type Survey struct {
	Libraries []gpu.Library // found, the driver first
	Missing   []*Missing
	Devices   []gpu.Description
	Err       error // why devices could not be listed, where no library is missing
}

// Examine looks for libraries and devices. It never fails: what is missing is
// in the Survey.
func Examine(o Options) Survey {
	l, missing := loaded(o)
	s := Survey{Libraries: l.found, Missing: missing}
	if !l.ready {
		return s
	}
	if l.loadNCCL() == nil {
		s.Libraries = append(slices.Clone(s.Libraries), l.nccl.found)
	}
	n, err := l.devices()
	if err != nil {
		s.Err = err
		return s
	}
	for i := range n {
		d, err := l.describe(i)
		if err != nil {
			s.Err = errors.Join(s.Err, err)
			continue
		}
		s.Devices = append(s.Devices, d)
	}
	return s
}

// loaded loads the libraries once for each list of paths.
func loaded(o Options) (*libraries, []*Missing) {
	key := strings.Join(o.Paths, "\x00")
	once, _ := loads.LoadOrStore(key, sync.OnceValues(func() (*libraries, []*Missing) { return load(o) }))
	return once.(func() (*libraries, []*Missing))()
}

var loads sync.Map // of paths to func() (*libraries, []*Missing)

// Open opens a device by its index. The caller closes it. The error names
// everything that is missing.
func Open(index int, o Options) (gpu.Device, error) {
	l, missing := loaded(o)
	if len(missing) > 0 {
		errs := make([]error, len(missing))
		for i, m := range missing {
			errs[i] = m
		}
		return nil, errors.Join(errs...)
	}
	n, err := l.devices()
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= n {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("cuda:%d", i))
		}
		if n == 0 {
			return nil, fmt.Errorf("cuda:%d: %w: the driver shows no GPU (is $CUDA_VISIBLE_DEVICES set?)", index, gpu.ErrUnsupported)
		}
		return nil, fmt.Errorf("cuda:%d: no such GPU, there is %s", index, strings.Join(names, ", "))
	}
	return l.openDevice(index)
}

// devices is the number of GPUs that the driver shows.
func (l *libraries) devices() (int, error) {
	n := new(int32)
	err := l.check("cuDeviceGetCount", call(l.driver.deviceGetCount, address(n)))
	return int(*n), err
}

// Attributes of cuDeviceGetAttribute (CUdevice_attribute).
const (
	attributeProcessors = 16
	attributeMajor      = 75
	attributeMinor      = 76
)

// describe asks the driver about a device; no context is needed.
func (l *libraries) describe(index int) (gpu.Description, error) {
	d := gpu.Description{Index: index, Driver: cudaVersion(l.version), Libraries: slices.Clone(l.found)}
	var handle, value int32
	if err := l.check("cuDeviceGet", call(l.driver.deviceGet, address(&handle), uintptr(index))); err != nil {
		return d, err
	}
	name := make([]byte, 256)
	if err := l.check("cuDeviceGetName", call(l.driver.deviceGetName, start(name), uintptr(len(name)), uintptr(handle))); err != nil {
		return d, err
	}
	d.Name = upToZero(name)
	var bytes uint64
	if err := l.check("cuDeviceTotalMem", call(l.driver.deviceTotalMem, address(&bytes), uintptr(handle))); err != nil {
		return d, err
	}
	d.Memory = int64(bytes)
	for _, a := range []struct {
		attribute int
		to        *int
	}{{attributeProcessors, &d.Processors}, {attributeMajor, &d.Major}, {attributeMinor, &d.Minor}} {
		if err := l.check("cuDeviceGetAttribute", call(l.driver.deviceGetAttribute, address(&value), uintptr(a.attribute), uintptr(handle))); err != nil {
			return d, err
		}
		*a.to = int(value)
	}
	n, err := l.devices()
	if err != nil {
		return d, err
	}
	for other := range n {
		if other == index {
			continue
		}
		var peer int32
		if err := l.check("cuDeviceGet", call(l.driver.deviceGet, address(&peer), uintptr(other))); err != nil {
			return d, err
		}
		if err := l.check("cuDeviceCanAccessPeer", call(l.driver.deviceCanAccessPeer, address(&value), uintptr(handle), uintptr(peer))); err != nil {
			return d, err
		}
		if value != 0 {
			d.PeerCapable = append(d.PeerCapable, other)
		}
	}
	return d, nil
}
