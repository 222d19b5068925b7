package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/collective/launcher"
	"alexnet/engine/collective/tcp"
	"alexnet/engine/devices"
	"alexnet/engine/train"
)

// TestKeepsRanksAlike: turns in which nothing is sent leave all ranks with the
// same weights, though each sees other pictures.
func TestKeepsRanksAlike(t *testing.T) {
	for _, parallel := range []string{train.ParallelData, train.ParallelHybrid} {
		var weights [2][][]float32
		inRanks(t, 2, func(group collective.Collective) error {
			net, err := train.NamedNet("../testdata/tiny.json", 3)
			if err != nil {
				return err
			}
			c := Config{Options: devices.Options{Threads: 1}, Batch: 8, Steps: 3, Parallel: parallel, Group: group, Open: devices.Open}
			f := &measurement{Config: c, net: net, own: "cpu"}
			m, by, err := f.model()
			if err != nil {
				return err
			}
			defer m.Close()
			b := randomPictures(net, m.Config.Batch)
			for i := range b.Pixels {
				b.Pixels[i] += byte(100 * group.Rank())
			}
			if err := new(Ranks).measure(t.Context(), f, by, m, b); err != nil {
				return err
			}
			for _, p := range m.Parameters() {
				values, err := m.Read(engine.Weight, p.Name)
				if err != nil {
					return err
				}
				for _, v := range values {
					if v != v {
						return fmt.Errorf("%s is no longer a number", p.Name)
					}
				}
				weights[group.Rank()] = append(weights[group.Rank()], values)
			}
			return nil
		})
		for i := range weights[0] {
			if !slices.Equal(weights[0][i], weights[1][i]) {
				t.Errorf("%s: parameter %d has other values on rank 1", parallel, i)
			}
		}
	}
}

// inRanks runs f on n ranks of this process.
func inRanks(t *testing.T, n int, f func(collective.Collective) error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // finds a free port
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	errs := make([]error, n)
	var all sync.WaitGroup
	for r := range n {
		all.Go(func() {
			group, err := tcp.Open(launcher.Place{Rank: r, Size: n, Local: -1, Address: address, Token: "a token of tests, no secret"},
				tcp.Options{Exit: func(int) {}, Stderr: io.Discard})
			if err == nil {
				err = errors.Join(f(group), group.Close())
			}
			errs[r] = err
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
