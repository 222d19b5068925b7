package enginetest

import (
	"errors"
	"fmt"
	"unsafe"

	"alexnet/engine"
)

// counter compiles an incrementer and sets its weights to 0.
func counter(ctx engine.Context) (engine.Program, engine.Update, error) {
	op := incrementer()
	n := op.W.Shape.Len()
	_, size := place(ctx, distinct(op.Reads()))
	if err := ctx.Reserve(size, ctx.Workspace([]engine.Op{op})); err != nil {
		return nil, op, err
	}
	program, err := ctx.Compile([]engine.Op{op})
	return program, op, errors.Join(err,
		upload(ctx, op.W, repeat(0, n)), upload(ctx, op.V, repeat(1, n)), upload(ctx, op.G, repeat(0, n)))
}

// checkDownloads enqueues runs with downloads between them, and waits only at the end:
// each download must see the runs before it and not those after it.
func checkDownloads(ctx engine.Context) error {
	program, op, err := counter(ctx)
	if err != nil {
		return err
	}
	var seen [20][]float32
	for i := range seen {
		seen[i] = make([]float32, op.W.Shape.Len())
		if err := errors.Join(program.Run(engine.Step{Momentum: 1}), ctx.Download(seen[i], op.W)); err != nil {
			return err
		}
	}
	if err := ctx.Sync(); err != nil {
		return err
	}
	for i, v := range seen {
		for j := range v {
			if v[j] != float32(i+1) {
				return fmt.Errorf("the download after run %d has %v at %d, want %d", i+1, v[j], j, i+1)
			}
		}
	}
	return nil
}

// checkMarks keeps two runs ahead of the marks that it waits for, as pipelined training
// does. After Wait, downloads before the mark must be complete, and the host memory of
// uploads before it may be overwritten.
func checkMarks(ctx engine.Context) error {
	program, op, err := counter(ctx)
	if err != nil {
		return err
	}
	n := op.W.Shape.Len()
	empty := ctx.Mark()
	var seen, sent [2][]float32
	for i := range sent {
		seen[i], sent[i] = make([]float32, n), make([]float32, n)
	}
	var marks []engine.Mark
	for i := range 20 {
		if i >= 2 {
			if err := marks[i-2].Wait(); err != nil {
				return err
			}
			for j, v := range seen[i%2] {
				if want := float32(100*(i-2) + 1); v != want {
					return fmt.Errorf("after the mark of run %d element %d is %v, want %v", i-2, j, v, want)
				}
			}
		}
		for j := range sent[i%2] {
			sent[i%2][j] = float32(100 * i)
		}
		if err := errors.Join(ctx.Upload(op.W, sent[i%2]), program.Run(engine.Step{Momentum: 1}), ctx.Download(seen[i%2], op.W)); err != nil {
			return err
		}
		marks = append(marks, ctx.Mark())
	}
	// Any order, any number of times, also after Sync.
	return within(func() error {
		last := marks[len(marks)-1]
		return errors.Join(last.Wait(), marks[3].Wait(), last.Wait(), empty.Wait(), ctx.Sync(), last.Wait())
	})
}

// checkHostMemory copies through memory of the context's own, if it has any.
func checkHostMemory(ctx engine.Context) error {
	a, ok := ctx.(engine.PinnedMemory)
	if !ok {
		return nil
	}
	t := tensor("bytes", engine.Byte, 1, 1000, 1, 1)
	_, size := place(ctx, []*engine.Tensor{t})
	if err := ctx.Reserve(size, ctx.Workspace(nil)); err != nil {
		return err
	}
	var memory [3][]byte
	for i, n := range []int{1000, 1, 1000} {
		var err error
		if memory[i], err = a.AllocateHost(n); err != nil {
			return err
		}
		if len(memory[i]) != n || uintptr(unsafe.Pointer(unsafe.SliceData(memory[i])))%8 != 0 {
			return fmt.Errorf("asked for %d bytes: %d at %p, want them aligned to 8", n, len(memory[i]), memory[i])
		}
	}
	for i := range memory[0] {
		memory[0][i], memory[2][i] = byte(i*7), 0
	}
	if err := errors.Join(ctx.Upload(t, memory[0]), ctx.Download(memory[2], t), ctx.Sync()); err != nil {
		return err
	}
	if string(memory[0]) != string(memory[2]) {
		return errors.New("bytes change on the way there and back")
	}
	return nil
}
