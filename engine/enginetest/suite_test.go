package enginetest

import (
	"math"
	"strings"
	"testing"

	"alexnet/engine"
)

// TestSuiteAcceptsTheReference runs the suite on the reference, but for the
// cases about Compile's checks, which the oracle doesn't make.
func TestSuiteAcceptsTheReference(t *testing.T) {
	for _, c := range Cases() {
		if strings.HasPrefix(c.Name, "compile/") {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			if c.Slow && testing.Short() {
				t.Skip("slow")
			}
			worst, err := c.Check(func() (engine.Context, error) { return newOracle(fault{}), nil }, FP32)
			if err != nil || worst > 1 {
				t.Errorf("worst %g of the tolerance: %v", worst, err)
			}
		})
	}
}

// TestThin: the thinned suite has every kind of op and every other case.
func TestThin(t *testing.T) {
	group := func(name string) string { kind, _, _ := strings.Cut(name, "/"); return kind }
	count := func(cases []Case) (kinds map[string]int) {
		kinds = map[string]int{}
		for _, c := range cases {
			kinds[group(c.Name)]++
		}
		return kinds
	}
	all, thin := count(Cases()), count(Thin())
	for kind, n := range all {
		if thin[kind] == 0 || thin[kind] > n {
			t.Errorf("%s: %d cases of %d", kind, thin[kind], n)
		}
	}
	// Convolutions are what takes a device's library its time.
	if kind := "conv backward"; thin[kind]*2 > all[kind] {
		t.Errorf("%s: %d cases of %d are left", kind, thin[kind], all[kind])
	}
	t.Logf("%d cases of %d: %v", len(Thin()), len(Cases()), thin)
}

// TestFailuresExplain: a wrong result is told with the op, its tensors and the first
// wrong elements.
func TestFailuresExplain(t *testing.T) {
	wrong := fault{result: func(op engine.Op, _ Memory, out map[*engine.Tensor][]Sum) {
		for i := range out[op.Writes()[0]] {
			out[op.Writes()[0]][i].Value++
		}
	}}
	var err error
	for _, c := range OpCases() {
		if strings.HasPrefix(c.Name, "dense forward/3×1×1×1") {
			_, err = c.check(func() (engine.Context, error) { return newOracle(wrong), nil }, FP32)
		}
	}
	if err == nil || !strings.Contains(err.Error(), "(21 wrong of 21)") || strings.Count(err.Error(), "; at [") != shownWrong-1 ||
		!strings.Contains(err.Error(), "\nop: {X:x 3×1×1×1 W:w 7×1×1×1") {
		t.Errorf("got %v", err)
	}
}

// TestSuiteRefusesFaults puts mistakes that are easily made into the oracle;
// some case of the named group must notice.
func TestSuiteRefusesFaults(t *testing.T) {
	on := func(kind string, f func(m Memory, ts []*engine.Tensor)) func(engine.Op, Memory) {
		return func(op engine.Op, m Memory) {
			if op.Kind() == kind {
				f(m, op.Reads())
			}
		}
	}
	for _, c := range []struct {
		what, group string
		f           fault
	}{
		{"bias left out", "conv forward", fault{memory: on("conv forward", func(m Memory, ts []*engine.Tensor) {
			m[ts[2]] = make([]float64, len(m[ts[2]]))
		})}},
		{"groups ignored in normalisation", "lrn forward", fault{op: func(op engine.Op) engine.Op {
			if o, ok := op.(engine.LRNForward); ok {
				o.Groups = 1
				return o
			}
			return op
		}}},
		{"gradient added to what was there", "conv backward", fault{result: func(op engine.Op, m Memory, out map[*engine.Tensor][]Sum) {
			if o, ok := op.(engine.ConvBackward); ok {
				for i := range out[o.DW] {
					out[o.DW][i].Value += m[o.DW][i]
				}
			}
		}}},
		{"one output never written", "maxpool forward", fault{result: func(op engine.Op, m Memory, out map[*engine.Tensor][]Sum) {
			if o, ok := op.(engine.MaxPoolForward); ok && o.At != nil {
				last := len(out[o.At]) - 1
				out[o.At][last].Value = m[o.At][last]
			}
		}}},
		{"float16 sums", "dense forward", fault{result: func(op engine.Op, m Memory, out map[*engine.Tensor][]Sum) {
			if o, ok := op.(engine.DenseForward); ok {
				for i := range out[o.Y] {
					out[o.Y][i].Value *= 1 + 1.0/2048
				}
			}
		}}},
		{"the last maximum wins", "maxpool forward", fault{result: func(op engine.Op, m Memory, out map[*engine.Tensor][]Sum) {
			if o, ok := op.(engine.MaxPoolForward); ok && o.At != nil && m[o.X][0] == m[o.X][len(m[o.X])-1] {
				out[o.At][0].Value++
			}
		}}},
		{"NaN lost in ReLU", "activate", fault{result: func(op engine.Op, m Memory, out map[*engine.Tensor][]Sum) {
			if o, ok := op.(engine.Activate); ok {
				for i, s := range out[o.Y] {
					if math.IsNaN(s.Value) {
						out[o.Y][i].Value = 0
					}
				}
			}
		}}},
		{"the second tower's mask is the first's", "dropout", fault{op: func(op engine.Op) engine.Op {
			if o, ok := op.(engine.Dropout); ok {
				o.First = 0
				return o
			}
			return op
		}}},
		{"padding counts as class 0", "softmax loss", fault{memory: on("softmax loss", func(m Memory, ts []*engine.Tensor) {
			for i, v := range m[ts[1]] {
				m[ts[1]][i] = max(v, 0)
			}
		})}},
		{"equal logits don't beat", "softmax loss", fault{result: func(op engine.Op, m Memory, out map[*engine.Tensor][]Sum) {
			if o, ok := op.(engine.SoftmaxLoss); ok && m[o.X][0] == m[o.X][1%len(m[o.X])] {
				out[o.LabelRank][1%len(out[o.LabelRank])].Value = 0
			}
		}}},
		{"a write past the end", "concat", fault{arena: func(op engine.Op, arena []byte) {
			if o, ok := op.(engine.Concat); ok {
				arena[int(o.Y.Offset)+4*o.Y.Shape.Len()] = 1
			}
		}}},
		{"an input scribbled on", "sum slices", fault{arena: func(op engine.Op, arena []byte) {
			if o, ok := op.(engine.SumSlices); ok {
				arena[o.Parts[0].Offset] ^= 1
			}
		}}},
		{"no wait for events", "events", fault{await: true}},
		{"downloads that see later runs", "context/downloads", fault{late: true}},
		{"halted weights move", "update", fault{op: func(op engine.Op) engine.Op {
			if o, ok := op.(engine.Update); ok {
				o.Halt = nil
				return o
			}
			return op
		}}},
		{"a good loss takes a halt back", "softmax loss", fault{memory: func(op engine.Op, m Memory) {
			if o, ok := op.(engine.SoftmaxLoss); ok && o.Halt != nil {
				m[o.Halt] = []float64{0}
			}
		}}},
		{"labels aren't smoothed", "softmax loss", fault{op: func(op engine.Op) engine.Op {
			if o, ok := op.(engine.SoftmaxLoss); ok {
				o.Smoothing = 0
				return o
			}
			return op
		}}},
		{"every gradient begins the sum", "accumulate", fault{op: func(op engine.Op) engine.Op {
			if o, ok := op.(engine.Accumulate); ok {
				o.First = true
				return o
			}
			return op
		}}},
		{"the mask of step 0 for ever", "program/dropout", fault{op: func(op engine.Op) engine.Op {
			if o, ok := op.(engine.Dropout); ok {
				o.Layer++
				return o
			}
			return op
		}}},
	} {
		t.Run(c.what, func(t *testing.T) {
			for _, k := range Cases() {
				if !strings.HasPrefix(k.Name, c.group) {
					continue
				}
				if _, err := k.Check(func() (engine.Context, error) { return newOracle(c.f), nil }, FP32); err != nil {
					t.Logf("%s: %v", k.Name, err)
					return
				}
			}
			t.Errorf("no case of %q noticed", c.group)
		})
	}
}
