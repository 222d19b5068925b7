package nvidia

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"alexnet/engine/cuda/internal/gpu"
)

// Attributes of heuristics, engines and plans, and their values.
const (
	heuristicMode    = 200
	heuristicGraph   = 201
	heuristicResults = 202
	heuristicDevice  = 204
	configEngine     = 300
	planHandle       = 400
	planConfig       = 401
	planWorkspace    = 402
	planDevice       = 407
	engineIndex      = 1301
	engineNumerics   = 1303

	heuristicInstant  = 0
	heuristicFallback = 2
	heuristicA        = 3

	noteTensorCore        = 0
	noteDownConvert       = 1
	noteReducedReduction  = 2
	noteFFT               = 3
	noteNonDeterministic  = 4
	noteWinograd          = 5
	noteWinograd4x4       = 6
	noteWinograd6x6       = 7
	noteWinograd13x13     = 8
	packIdentities        = 1000
	packPointers          = 1001
	packWorkspace         = 1003
	candidatesOfHeuristic = 24
)

// plansByGroup is the number of a grouped convolution's plans that compute one group
// after the other, on slices of the pixels.
const plansByGroup = 2

// finalizing limits the time of making further plans for one convolution, because some
// are compiled then.
const finalizing = 2 * time.Second

// planner returns the cuDNN handle for making plans. The caller holds the card's lock.
func (d *device) planner() (uintptr, error) {
	if d.dnn == 0 {
		if err := d.lib.checkDNN("cudnnCreate", call(d.lib.dnn.create, address(&d.dnn))); err != nil {
			d.dnn = 0
			return 0, err
		}
		d.convolves.Store(true)
	}
	return d.dnn, nil
}

// convolver returns the cuDNN handle of s.
func (s *stream) convolver() (uintptr, error) {
	if s.dnn != 0 {
		return s.dnn, nil
	}
	lib := s.device.lib
	var handle uintptr
	if err := lib.checkDNN("cudnnCreate", call(lib.dnn.create, address(&handle))); err != nil {
		return 0, err
	}
	if err := lib.checkDNN("cudnnSetStream", call(lib.dnn.setStream, handle, s.handle)); err != nil {
		return 0, errors.Join(err, lib.checkDNN("cudnnDestroy", call(lib.dnn.destroy, handle)))
	}
	s.dnn = handle
	return handle, nil
}

// refused reports whether an engine with the given notes must not compute c.
func refused(c gpu.Convolution, deterministic bool, notes []int32) bool {
	for _, n := range notes {
		switch n {
		case noteReducedReduction: // sums must be in float32
			return true
		case noteNonDeterministic:
			if deterministic {
				return true
			}
		case noteTensorCore, noteDownConvert, noteFFT, noteWinograd, noteWinograd4x4, noteWinograd6x6, noteWinograd13x13:
			if c.Math == gpu.FP32 {
				return true
			}
		}
	}
	return false
}

func (d *device) Convolutions(c gpu.Convolution, workspace int64, deterministic bool) ([]gpu.ConvolutionPlan, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	handle, err := d.planner()
	if err != nil {
		return nil, err
	}
	target := target{lib: d.lib, handle: handle}
	most := gpu.MostPlans
	if c.Groups > 1 {
		most -= plansByGroup // so that these are timed, too
	}
	plans, err := target.plans(c, workspace, deterministic, most)
	all := make([]gpu.ConvolutionPlan, 0, len(plans)+2)
	for _, p := range plans {
		all = append(all, p)
	}
	if c.Groups > 1 {
		byGroup, failure := target.plans(oneGroup(c), workspace, deterministic, plansByGroup)
		for _, p := range byGroup {
			all = append(all, newGroupPlan(c, p))
		}
		err = errors.Join(err, failure)
	}
	if len(all) > 0 {
		return all, nil
	}
	if err == nil {
		err = fmt.Errorf("cuDNN has no engine within %d bytes of workspace: %w", workspace, gpu.ErrUnsupported)
	}
	return nil, fmt.Errorf("%v: %w", c, err)
}

// target is the device of plans: a handle, or a description of a device that need not
// exist.
type target struct {
	lib        *libraries
	handle     uintptr
	properties uintptr // a finalized descriptor of a device's properties, if handle is 0
}

// plans makes up to most plans for c, in the heuristic's order.
func (t target) plans(c gpu.Convolution, workspace int64, deterministic bool, most int) ([]*convolutionPlan, error) {
	shared := &descriptors{lib: t.lib}
	defer shared.close()
	operations, identities := shared.operations(c)
	graph := shared.graph(t.handle, operations)
	if shared.err != nil {
		return nil, shared.err
	}
	began := time.Now()
	var plans []*convolutionPlan
	var failures []error
	var tried []string
	for _, mode := range []int32{heuristicA, heuristicInstant, heuristicFallback} {
		own := &descriptors{lib: t.lib}
		configs := t.heuristic(own, graph, mode)
		if own.err != nil {
			failures = append(failures, own.err)
		}
		for i, config := range configs {
			if len(plans) == most || len(plans) > 0 && time.Since(began) > finalizing {
				break
			}
			engine, notes, err := t.examine(config)
			if err != nil {
				failures = append(failures, err)
				continue
			}
			name := fmt.Sprintf("cudnn engine %d, heuristic %d.%d", engine, mode, i)
			if refused(c, deterministic, notes) {
				continue
			}
			if key := fmt.Sprint(engine, i); mode == heuristicInstant && slices.Contains(tried, key) {
				continue // mode A is an alias of it in most versions
			} else {
				tried = append(tried, key)
			}
			p, err := t.plan(config, workspace)
			if err != nil {
				failures = append(failures, err)
				continue
			}
			if p == nil {
				continue
			}
			p.name, p.identities = name, identities
			plans = append(plans, p)
		}
		own.close()
		if len(plans) == most {
			break
		}
	}
	if len(plans) == 0 && len(failures) > 0 {
		return nil, failures[0]
	}
	return plans, nil
}

// heuristic returns engine configurations, best first. own owns them.
func (t target) heuristic(own *descriptors, graph uintptr, mode int32) []uintptr {
	h := own.create(kindHeuristics)
	own.refer(h, heuristicGraph, graph)
	own.enum(h, heuristicMode, typeHeuristic, mode)
	if t.properties != 0 {
		own.refer(h, heuristicDevice, t.properties)
	}
	own.finalize(h)
	room := min(own.get(h, heuristicResults, typeDescriptor, 0, 0), candidatesOfHeuristic)
	if own.err != nil || room == 0 {
		return nil
	}
	configs := make([]uintptr, room)
	for i := range configs {
		configs[i] = own.create(kindEngineConfig)
	}
	n := own.get(h, heuristicResults, typeDescriptor, room, start(configs))
	if own.err != nil {
		return nil
	}
	return configs[:min(n, room)]
}

// examine returns the number of a configuration's engine and its notes on arithmetic.
func (t target) examine(config uintptr) (engine int64, notes []int32, err error) {
	b := &descriptors{lib: t.lib}
	defer b.close()
	e := []uintptr{b.create(kindEngine)}
	b.get(config, configEngine, typeDescriptor, 1, start(e))
	engine = b.getInt(e[0], engineIndex)
	notes = make([]int32, numericalCounts)
	n := b.get(e[0], engineNumerics, typeNumerical, len(notes), start(notes))
	return engine, notes[:min(n, len(notes))], b.err
}

// plan finalizes a configuration. It returns nil if the workspace is too large.
func (t target) plan(config uintptr, workspace int64) (*convolutionPlan, error) {
	p := &convolutionPlan{lib: t.lib, own: descriptors{lib: t.lib}}
	p.plan = p.own.create(kindPlan)
	p.own.refer(p.plan, planConfig, config)
	if t.handle != 0 {
		p.own.handle(p.plan, planHandle, t.handle)
	}
	if t.properties != 0 {
		p.own.refer(p.plan, planDevice, t.properties)
	}
	p.own.finalize(p.plan)
	p.workspace = p.own.getInt(p.plan, planWorkspace)
	if err := p.own.err; err != nil || p.workspace > workspace {
		p.Close()
		return nil, err
	}
	return p, nil
}
