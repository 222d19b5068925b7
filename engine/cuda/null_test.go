package cuda_test

import (
	"time"

	"alexnet/engine/cuda/internal/gpu"
)

// nullDevice does nothing at all, so that what a context itself does can be
// measured.
type nullDevice struct{ next gpu.Pointer }

func (*nullDevice) Describe() gpu.Description              { return gpu.Description{Name: "nothing"} }
func (*nullDevice) Bind() error                            { return nil }
func (*nullDevice) Memory() (free, total int64, err error) { return 1 << 40, 1 << 40, nil }
func (d *nullDevice) Allocate(bytes int64) (gpu.Pointer, error) {
	d.next += gpu.Pointer(bytes + 4096)
	return d.next, nil
}
func (*nullDevice) Free(gpu.Pointer) error                 { return nil }
func (*nullDevice) AllocateHost(bytes int) ([]byte, error) { return make([]byte, bytes), nil }
func (*nullDevice) FreeHost([]byte) error                  { return nil }
func (*nullDevice) NewStream() (gpu.Stream, error)         { return nothing{}, nil }
func (*nullDevice) NewEvent(bool) (gpu.Event, error)       { return nothing{}, nil }
func (*nullDevice) Load([]byte) (gpu.Module, error)        { return nothing{}, nil }
func (*nullDevice) Products(gpu.Product, int64) ([]gpu.ProductPlan, error) {
	return []gpu.ProductPlan{nullPlan{}}, nil
}
func (*nullDevice) Convolutions(gpu.Convolution, int64, bool) ([]gpu.ConvolutionPlan, error) {
	return []gpu.ConvolutionPlan{nullPlan{}}, nil
}
func (*nullDevice) CommunicatorID() ([]byte, error) { return nil, gpu.ErrUnsupported }
func (*nullDevice) Join([]byte, int, int, time.Duration) (gpu.Communicator, error) {
	return nil, gpu.ErrUnsupported
}
func (*nullDevice) Close() error { return nil }

// nothing is a stream, an event, a module, a kernel and a graph.
type nothing struct{}

func (nothing) CopyIn(gpu.Pointer, []byte) error                           { return nil }
func (nothing) CopyOut([]byte, gpu.Pointer) error                          { return nil }
func (nothing) Copy(gpu.Pointer, gpu.Pointer, int64) error                 { return nil }
func (nothing) CopyFrom(gpu.Pointer, gpu.Pointer, gpu.Device, int64) error { return nil }
func (nothing) Fill(gpu.Pointer, byte, int64) error                        { return nil }
func (nothing) Launch(gpu.Kernel, gpu.Launch, []byte) error                { return nil }
func (nothing) Record(gpu.Event) error                                     { return nil }
func (nothing) Wait(gpu.Event) error                                       { return nil }
func (nothing) Capture() error                                             { return nil }
func (nothing) Captured() (gpu.Graph, error)                               { return nothing{}, nil }
func (nothing) Replay(gpu.Graph) error                                     { return nil }
func (nothing) Synchronize() error                                         { return nil }
func (nothing) Passed() (bool, error)                                      { return true, nil }
func (nothing) Since(gpu.Event) (time.Duration, error)                     { return 0, nil }
func (nothing) Kernel(string) (gpu.Kernel, error)                          { return nothing{}, nil }
func (nothing) Name() string                                               { return "nothing" }
func (nothing) Close() error                                               { return nil }

type nullPlan struct{}

func (nullPlan) Name() string     { return "nothing" }
func (nullPlan) Workspace() int64 { return 0 }
func (nullPlan) Close() error     { return nil }
func (nullPlan) Run(gpu.Stream, gpu.Pointer, gpu.Pointer, gpu.Pointer, gpu.Pointer, gpu.Pointer) error {
	return nil
}
