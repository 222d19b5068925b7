package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// peer is another loader. Its process runs from its first turn to the end, so that
// compiling and starting are not measured, and is paused between its turns. Otherwise its
// workers would fill its queues during another's turn, and it would begin its own with
// batches that cost it nothing.
type peer struct {
	job  *loaderJob
	name string

	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errs    tail
	first   float64 // for our loader, seconds until its first batch
	err     error   // why it can't run
}

// turn measures it once.
func (p *peer) turn(ctx context.Context) (t turn, err error) {
	if p.command == nil && p.err == nil {
		p.err = p.start(ctx)
	}
	if p.err != nil {
		return t, p.err
	}
	resume(p.command.Process.Pid)
	if _, p.err = fmt.Fprintln(p.in, p.job.time.Seconds()); p.err == nil {
		p.err = p.answer(&t)
	}
	if p.err == nil {
		pause(p.command.Process.Pid)
	}
	t.First = p.first
	return t, p.err
}

// start runs the script and waits until it is ready. The end of ctx kills it.
func (p *peer) start(ctx context.Context) (err error) {
	j := p.job
	p.command = exec.CommandContext(ctx, j.python, j.peers, p.name, "--jpegs", j.jpegs(), "--mds", j.shards("jpeg"), "--work", j.work, "--shards", j.shards("CODEC"), "--prep-imagenet", j.prep, "--noise", j.noise(),
		"--workers", fmt.Sprint(j.workers), "--batch", fmt.Sprint(j.batch))
	p.command.Cancel = func() error { killAll(p.command.Process.Pid); return nil }
	p.command.Stderr = &p.errs
	if p.in, err = p.command.StdinPipe(); err != nil {
		return err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return err
	}
	p.out = bufio.NewReaderSize(out, 1<<16)
	if err := p.command.Start(); err != nil {
		p.command = nil
		return err
	}
	var ready struct{ First float64 }
	err = p.answer(&ready)
	p.first = ready.First
	return err
}

// answer reads the next line of JSON; libraries may print other lines.
func (p *peer) answer(to any) error {
	for {
		line, err := p.out.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			p.end()
			return errors.New("it prints a line without an end")
		case err != nil:
			p.in.Close()
			err = errors.Join(p.command.Wait(), err)
			p.command = nil
			return fmt.Errorf("%w: %s", err, p.errs.lastLine())
		case bytes.HasPrefix(line, []byte("{")):
			return json.Unmarshal(line, to)
		}
	}
}

// end stops the process.
func (p *peer) end() {
	if p.command != nil {
		p.in.Close()
		killAll(p.command.Process.Pid)
		p.command.Wait()
		p.command = nil
	}
}
