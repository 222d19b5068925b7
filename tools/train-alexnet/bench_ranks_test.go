package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/collective/tcp"
	"alexnet/engine/devices"
	"alexnet/engine/train"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/ranks/rankstest"
)

// TestBenchOnRanks counts what rank 0 of two sends in a step of 4 pictures a rank.
func TestBenchOnRanks(t *testing.T) {
	// Of a sum's values a rank sends as many as there are: half to the other, and
	// back its half of the sum. fc3 has 16 units and reads 72 values.
	const conv, fc3, fc4, flag = 8*75 + 8 + 8*36 + 8, 16*72 + 16, 3*16 + 3, 1
	for parallel, values := range map[string]int{
		"data": conv + fc3 + fc4 + flag,
		// What fc3 reads, its gradient; its output to the owners of the pictures, and back.
		"hybrid": conv + fc4 + flag + 4*72 + 4*72 + 4*8 + 4*8,
	} {
		w := newWorld(t)
		out, err := rankstest.Run(t, rankstest.Launchers[0], 2, "bench", "--net", w.net, "--classes", "3", "--batch", "8", "--steps", "2", "--devices", "cpu", "--json", "--parallel", parallel)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var r benchResult
		if err := json.Unmarshal([]byte(out), &r); err != nil || r.Ranks == nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if sent := r.Ranks.SentMB * 1e6; math.Abs(sent-float64(4*values)) > .5 {
			t.Errorf("%s: %g bytes sent in a step, want %d", parallel, sent, 4*values)
		}
		if r.Ranks.Step <= 0 || r.Ranks.Compute <= 0 || r.Ranks.Exchange <= 0 || r.Ranks.Hidden < 0 || r.Ranks.Hidden > 1 {
			t.Errorf("%s: %+v", parallel, *r.Ranks)
		}
	}
}

// TestBenchKeepsRanksAlike: turns in which nothing is sent leave all ranks with the
// same weights, though each sees other pictures.
func TestBenchKeepsRanksAlike(t *testing.T) {
	w := newWorld(t)
	for _, parallel := range []string{train.ParallelData, train.ParallelHybrid} {
		var weights [2][][]float32
		inRanks(t, 2, func(group collective.Collective) error {
			f := &benchConfig{net: w.net, classes: 3, ownDevices: "cpu", options: devices.Options{Threads: 1}, batch: 8, steps: 3, parallel: parallel}
			net, err := train.NamedNet(f.net, f.classes)
			if err != nil {
				return err
			}
			m, by, err := f.model(net, group)
			if err != nil {
				return err
			}
			defer m.Close()
			b := randomPictures(net, m.Config.Batch)
			for i := range b.Pixels {
				b.Pixels[i] += byte(100 * group.Rank())
			}
			if err := new(rankResult).measure(t.Context(), f, group, by, m, b); err != nil {
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
			group, err := tcp.Open(tcp.Place{Rank: r, Size: n, Local: -1, Address: address, Token: "a token of tests, no secret"},
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

// What is asked for wrongly is so on every rank.
func TestBenchUsage(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ args, want string }{
		{"--batch 7", "--batch 7 is that of all ranks together"},
		{"--precision fp7", "--precision"},
	} {
		args := append([]string{"bench", "--net", w.net, "--classes", "3", "--devices", "cpu"}, strings.Fields(c.args)...)
		out, err := rankstest.Run(t, rankstest.TCP, 2, args...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != command.BadUsage || strings.Count(out, c.want) != 1 || strings.Contains(out, "ends the job") {
			t.Errorf("%s: %v\n%s", c.args, err, out)
		}
	}
}
