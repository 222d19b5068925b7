package nvidia

import (
	"errors"
	"fmt"

	"alexnet/engine/cuda/internal/gpu"
)

// keptPacks is the number of sets of addresses whose descriptors a plan keeps.
const keptPacks = 16

// convolutionPlan is a finalized execution plan.
type convolutionPlan struct {
	lib        *libraries
	name       string
	own        descriptors // the plan, and the kept variant packs
	plan       uintptr
	workspace  int64
	identities []int64 // of the tensors in memory, in the order of a pack's addresses
	packs      []variantPack
}

// variantPack is the descriptor of one set of addresses.
type variantPack struct {
	addresses  addresses
	descriptor uintptr
}

// addresses are the addresses of a run's operands.
type addresses struct{ x, w, bias, y, workspace gpu.Pointer }

func (p *convolutionPlan) Name() string     { return p.name }
func (p *convolutionPlan) Workspace() int64 { return p.workspace }

func (p *convolutionPlan) Run(s gpu.Stream, x, w, bias, y, workspace gpu.Pointer) error {
	handle, err := s.(*stream).convolver()
	if err != nil {
		return err
	}
	pack, err := p.pack(addresses{x, w, bias, y, workspace})
	if err != nil {
		return err
	}
	result := call(p.lib.dnn.run, handle, p.plan, pack)
	if int32(result) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", p.name, p.lib.checkDNN("cudnnBackendExecute", result))
}

// pack returns the descriptor of a set of addresses, kept or new.
func (p *convolutionPlan) pack(a addresses) (uintptr, error) {
	for i := range p.packs {
		if p.packs[i].addresses == a {
			return p.packs[i].descriptor, nil
		}
	}
	if len(p.packs) == keptPacks {
		if err := p.forget(); err != nil {
			return 0, err
		}
	}
	pointers := make([]uintptr, len(p.identities))
	for i, id := range p.identities {
		pointers[i] = uintptr(map[int64]gpu.Pointer{identityX: a.x, identityW: a.w, identityBias: a.bias, identityY: a.y}[id])
	}
	b := &descriptors{lib: p.lib}
	d := b.create(kindVariantPack)
	b.ints(d, packIdentities, p.identities...)
	b.pointers(d, packPointers, pointers)
	b.pointers(d, packWorkspace, []uintptr{uintptr(a.workspace)})
	b.finalize(d)
	if b.err != nil {
		return 0, errors.Join(b.err, b.close())
	}
	p.packs = append(p.packs, variantPack{a, d})
	return d, nil
}

// forget destroys all packs.
func (p *convolutionPlan) forget() error {
	b := descriptors{lib: p.lib}
	for _, k := range p.packs {
		b.made = append(b.made, k.descriptor)
	}
	p.packs = nil
	return b.close()
}

func (p *convolutionPlan) Close() error { return errors.Join(p.forget(), p.own.close()) }

// groupPlan computes a grouped convolution group by group on slices of pixels.
type groupPlan struct {
	one                 *convolutionPlan
	groups              int
	xStep, wStep, yStep int64 // bytes from one group to the next
	biasStep            int64
}

// oneGroup is the convolution of one group of c, on a slice of its pixels.
func oneGroup(c gpu.Convolution) gpu.Convolution {
	one := c
	if one.XChannels == 0 {
		one.XChannels = c.C
	}
	if one.YChannels == 0 {
		one.YChannels = c.K
	}
	one.C, one.K, one.Groups = c.C/c.Groups, c.K/c.Groups, 1
	return one
}

func newGroupPlan(c gpu.Convolution, one *convolutionPlan) *groupPlan {
	channels, maps := int64(c.C/c.Groups), int64(c.K/c.Groups)
	weight := c.Type
	if c.Direction == gpu.BackwardWeights {
		weight = c.WeightGradient
	}
	return &groupPlan{one: one, groups: c.Groups, xStep: channels * c.Type.Size(), yStep: maps * c.Type.Size(),
		wStep: maps * channels * int64(c.Size*c.Size) * weight.Size(), biasStep: maps * c.BiasType.Size()}
}

func (p *groupPlan) Name() string     { return p.one.name + ", by group" }
func (p *groupPlan) Workspace() int64 { return p.one.workspace }
func (p *groupPlan) Close() error     { return p.one.Close() }

func (p *groupPlan) Run(s gpu.Stream, x, w, bias, y, workspace gpu.Pointer) error {
	for g := range int64(p.groups) {
		b := bias
		if b != 0 {
			b = b.Add(g * p.biasStep)
		}
		if err := p.one.Run(s, x.Add(g*p.xStep), w.Add(g*p.wStep), b, y.Add(g*p.yStep), workspace); err != nil {
			return err
		}
	}
	return nil
}
