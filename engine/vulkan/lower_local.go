package vulkan

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// A locally connected layer is one product for each group and position (for DX, each
// pixel of the input). There are at most as many as workgroups are allowed along an axis.

func tooManyPlaces(op engine.Op, n int) error {
	if n > mostGroups {
		return fmt.Errorf("%s: %d places over all groups, more than %d", op.Kind(), n, mostGroups)
	}
	return nil
}

func (c *Context) lowerLocalForward(op engine.LocalForward) (step, error) {
	g := newConvolution(op.Window, op.Groups, op.X.Shape, op.Y.Shape)
	places := g.groups * g.out[2] * g.out[3]
	return one(c.product("local", product{g.maps, g.in[0], places, g.patch(), g.constants()}, func(b *binder) []byte {
		return push(struct {
			x, w, b, y                     vk.Address
			images, maps, channels, groups uint32
		}{b.of(op.X), b.of(op.W), b.of(op.B), b.of(op.Y), uint32(g.in[0]), uint32(g.maps), uint32(g.channels), uint32(g.groups)})
	})), tooManyPlaces(op, places)
}

func (c *Context) lowerLocalBackward(op engine.LocalBackward) (step, error) {
	g := newConvolution(op.Window, op.Groups, op.X.Shape, op.DY.Shape)
	places := g.groups * g.out[2] * g.out[3]
	s := step{dispatches: []dispatch{
		c.columnSum(op.DY, op.DB, op.DY.Shape.Row(), 1),
		c.product("local_weights", product{g.maps, g.patch(), places, g.in[0], g.constants()}, func(b *binder) []byte {
			return push(struct {
				x, dy, dw                      vk.Address
				images, maps, channels, groups uint32
			}{b.of(op.X), b.of(op.DY), b.of(op.DW), uint32(g.in[0]), uint32(g.maps), uint32(g.channels), uint32(g.groups)})
		}),
	}}
	if op.DX != nil {
		pixels := g.groups * g.in[2] * g.in[3]
		places = max(places, pixels)
		s.dispatches = append(s.dispatches, c.product("local_data", product{g.channels, g.in[0], pixels, g.maps * g.Size * g.Size, g.constants()}, func(b *binder) []byte {
			return push(struct {
				w, dy, dx                      vk.Address
				images, maps, channels, groups uint32
			}{b.of(op.W), b.of(op.DY), b.of(op.DX), uint32(g.in[0]), uint32(g.maps), uint32(g.channels), uint32(g.groups)})
		}))
	}
	return s, tooManyPlaces(op, places)
}
