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
	"strings"
)

// peer is another loader, in a process that lives from its first turn to the end, so
// that compiling and starting are not measured.
type peer struct {
	job  *loaderJob
	name string

	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errs    bytes.Buffer
	err     error // why it can't run
}

// turn measures it once.
func (p *peer) turn(ctx context.Context) (t turn, err error) {
	if p.command == nil && p.err == nil {
		p.err = p.start(ctx)
	}
	if p.err == nil {
		if _, p.err = fmt.Fprintln(p.in, p.job.time.Seconds()); p.err == nil {
			p.err = p.answer(&t)
		}
	}
	return t, p.err
}

// start runs the script and waits until it is ready. The end of ctx kills it.
func (p *peer) start(ctx context.Context) (err error) {
	j := p.job
	p.command = exec.CommandContext(ctx, j.python, j.peers, p.name, "--jpegs", j.jpegs(), "--mds", j.shards("jpeg"), "--work", j.work, "--shards", j.shards("CODEC"), "--prep-imagenet", j.prep,
		"--workers", fmt.Sprint(j.workers), "--batch", fmt.Sprint(j.batch))
	p.command.Stderr = &p.errs
	if p.in, err = p.command.StdinPipe(); err != nil {
		return err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return err
	}
	p.out = bufio.NewReader(out)
	if err := p.command.Start(); err != nil {
		p.command = nil
		return err
	}
	var ready struct{ Ready bool }
	return p.answer(&ready)
}

// answer reads the next line of JSON; libraries may print other lines.
func (p *peer) answer(to any) error {
	for {
		line, err := p.out.ReadBytes('\n')
		if err != nil {
			p.in.Close()
			wait := p.command.Wait()
			p.command = nil
			lines := strings.Split(strings.TrimSpace(p.errs.String()), "\n")
			return fmt.Errorf("%w: %s", errors.Join(wait, err), lines[len(lines)-1])
		}
		if bytes.HasPrefix(line, []byte("{")) {
			return json.Unmarshal(line, to)
		}
	}
}

// end stops the process.
func (p *peer) end() {
	if p.command != nil {
		p.in.Close()
		p.command.Process.Kill()
		p.command.Wait()
	}
}
