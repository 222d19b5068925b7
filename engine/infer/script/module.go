package script

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"alexnet/engine"
)

// Python classes for modules that need them; %d is the number of towers.
const (
	towerNorm = `class TowerNorm(nn.LocalResponseNorm):
    """Response normalisation over neighbouring maps of the same tower."""

    def forward(self, x):
        n, c, h, w = x.shape
        return super().forward(x.reshape(%d * n, c // %[1]d, h, w)).reshape(n, c, h, w)


`
	withinNorm = `class WithinNorm(nn.Module):
    """Response normalisation over the neighbouring pixels of a map."""

    def __init__(self, size, alpha, beta, k):
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x):
        pad = [self.size // 2, (self.size - 1) // 2] * 2
        mean = F.avg_pool2d(F.pad(x * x, pad), self.size, 1)
        return x / (self.k + self.alpha * mean) ** self.beta


`
	towerLinear = `class TowerLinear(nn.Conv2d):
    """A fully connected layer whose towers read their own maps."""

    def __init__(self, at, side, units, groups):
        super().__init__(at, units, side, groups=groups)

    def forward(self, x):
        return super().forward(x.reshape(len(x), self.in_channels, *self.kernel_size)).flatten(1)


`
	localLayer = `class Local(nn.Module):
    """A locally connected layer: a filter and a bias at every position."""

    def __init__(self, groups, at, out, maps, kernel, stride, pad):
        super().__init__()
        self.window, self.groups = dict(kernel_size=kernel, stride=stride, padding=pad), groups
        self.weight = nn.Parameter(torch.zeros(maps, out, out, at // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(maps, out, out))

    def forward(self, x):
        maps, h, w = self.bias.shape
        patches = F.unfold(x, **self.window).reshape(len(x), self.groups, -1, h, w)
        rows = self.weight.reshape(self.groups, maps // self.groups, h, w, -1)
        return torch.einsum("ngkyx,goyxk->ngoyx", patches, rows).reshape(len(x), maps, h, w) + self.bias


`
)

// Module returns the net as a class Net of PyTorch. Its parameters have the names
// that package torch gives them. The state dict holds the mean, and folded scales.
func Module(net *engine.Net) (string, error) {
	shapes, err := net.Shapes()
	if err != nil {
		return "", err
	}
	var helpers []string
	features, classifier := "", ""
	at := engine.Extent{Maps: 3, Height: net.Input.Size, Width: net.Input.Size}
	for i, l := range net.Layers {
		call, helper, err := module(net, l, at, shapes[i])
		if err != nil {
			return "", fmt.Errorf("net %q: layer %d: %w", net.Name, i+1, err)
		}
		if !slices.Contains(helpers, helper) {
			helpers = append(helpers, helper)
		}
		before := l.Dropout != nil && i+1 < len(net.Layers) && net.Layers[i+1].Dense != nil
		part := &features
		if classifier != "" || l.Dense != nil || before {
			part = &classifier
		}
		*part += "            " + call + ",\n"
		at = shapes[i]
	}
	var b strings.Builder
	b.WriteString(strings.Join(helpers, ""))
	fmt.Fprintf(&b, `class Net(nn.Module):
    """RGB pixels from 0 to 255, (N, 3, %[1]d, %[1]d), to logits (N, %[2]d)."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3, %[1]d, %[1]d))
        self.features = nn.Sequential(
%[3]s        )
        self.classifier = nn.Sequential(
%[4]s        )

    def forward(self, x):
        return self.classifier(self.features(x - self.mean).flatten(1))
`, net.Input.Size, net.Classes, features, classifier)
	return b.String(), nil
}

// module returns the expression that makes a layer, and the helper class that it
// needs, if any.
func module(net *engine.Net, l engine.Layer, in, out engine.Extent) (call, helper string, err error) {
	groups := func(r engine.Reads) int {
		if r == engine.ReadsOwn {
			return net.Towers
		}
		return 1
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	switch {
	case l.Conv != nil:
		c := l.Conv
		call = fmt.Sprintf("nn.Conv2d(%d, %d, %d, %d, %d", in.Maps, c.Maps, c.Size, c.Stride, c.Pad)
		if n := groups(c.Reads); n > 1 {
			call += fmt.Sprintf(", groups=%d", n)
		}
		call += ")"
	case l.Local != nil:
		c := l.Local
		call, helper = fmt.Sprintf("Local(%d, %d, %d, %d, %d, %d, %d)", groups(c.Reads), in.Maps, out.Height, c.Maps, c.Size, c.Stride, c.Pad), localLayer
	case l.Dense != nil && groups(l.Dense.Reads) > 1:
		call, helper = fmt.Sprintf("TowerLinear(%d, %d, %d, %d)", in.Maps, in.Height, out.Maps, net.Towers), towerLinear
	case l.Dense != nil:
		call = fmt.Sprintf("nn.Linear(%d, %d)", in.Len(), out.Maps)
	case l.MaxPool != nil:
		w := l.MaxPool.Window
		call = fmt.Sprintf("nn.MaxPool2d(%d, %d, %d", w.Size, w.Stride, w.Pad)
		if w.Ceil {
			call += ", ceil_mode=True"
		}
		call += ")"
	case l.AvgPool != nil:
		w := l.AvgPool.Window
		call = fmt.Sprintf("nn.AvgPool2d(%d, %d, %d", w.Size, w.Stride, w.Pad)
		if w.Ceil {
			call += ", ceil_mode=True"
		}
		call += ", count_include_pad=False)"
	case l.LRN != nil:
		// PyTorch's sums over the neighbourhood are means, so the factor is that of the whole
		// neighbourhood.
		r, name := *l.LRN, "nn.LocalResponseNorm"
		terms := float64(r.Size)
		switch {
		case r.Within:
			name, helper, terms = "WithinNorm", withinNorm, float64(r.Size*r.Size)
		case net.Towers > 1 && !r.Across:
			name, helper = "TowerNorm", fmt.Sprintf(towerNorm, net.Towers)
		}
		alpha := r.Alpha
		if r.Literal {
			alpha *= terms
		}
		call = fmt.Sprintf("%s(%d, %s, %s, %s)", name, r.Size, number(alpha), number(r.Beta), number(r.K))
	case l.Dropout != nil:
		call = fmt.Sprintf("nn.Dropout(%s)", strconv.FormatFloat(float64(l.Dropout.Rate), 'g', -1, 32))
	case l.Activate == "relu":
		call = "nn.ReLU()"
	case l.Activate == "tanh":
		call = "nn.Tanh()"
	default:
		err = fmt.Errorf("no PyTorch module is known for a %s", l.Kind())
	}
	return call, helper, err
}
