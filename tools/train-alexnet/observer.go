package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"alexnet/engine"
	"alexnet/tools/internal/command"
	"alexnet/tools/train-alexnet/tensorboard"
)

// observer writes progress for people, metrics.jsonl for programs, and event
// files for TensorBoard.
type observer struct {
	line    *command.Line
	metrics io.Writer
	boards  map[string]*tensorboard.Writer        // by split
	live    func(logged)                          // for the dashboard; nil without
	fail    func(error)                           // stops the training
	spent   func(waiting float64, mark bool) pace // what the time since the last mark went to

	epochs  int
	steps   uint64 // at which training ends
	maxTime time.Duration
	began   time.Time
	first   uint64 // step at which this session began

	validated func() // after each validation
	best      *engine.Metrics
	last      string // latest checkpoint
}

// logged is a line of metrics.jsonl.
type logged struct {
	engine.Metrics
	Bottleneck string  `json:"bottleneck,omitempty"` // "fetch", "decode", "augment" or "training"
	Loader     *shares `json:"loader,omitempty"`
	Left       int     `json:"seconds_left"` // of the whole run, as far as known
}

// Step shows how training goes.
func (o *observer) Step(m engine.Metrics) { o.line.Update("%s", o.text(m)) }

// Log records the steps since the last Log.
func (o *observer) Log(m engine.Metrics) {
	if !o.line.Terminal() {
		o.line.Print("%s", o.text(m))
	}
	o.write(m)
}

// Validating says what is being waited for.
func (o *observer) Validating() { o.line.Update("validating …") }

// Validated records an epoch's validation.
func (o *observer) Validated(m engine.Metrics) {
	o.write(m)
	better := ""
	if o.best == nil || m.Top1Error < o.best.Top1Error {
		o.best = &m
		better = "  (the best so far)"
	}
	o.line.Print("epoch %d/%d  validation: loss %.3f  top-1 error %.1f %%  top-5 error %.1f %%  %.0f images/s%s",
		m.Epoch, o.epochs, m.Loss, 100*m.Top1Error, 100*m.Top5Error, m.ImagesPerSec, better)
	o.validated()
}

// Saved remembers the checkpoint.
func (o *observer) Saved(path string) { o.last = path }

// Hint tells a person what may be wrong.
func (o *observer) Hint(message string) { o.line.Print("hint: %s", message) }

// RateChanged tells of a new learning rate.
func (o *observer) RateChanged(rate float64) {
	o.line.Print("the validation error has stopped falling: learning rate %g from here", rate)
}

func (o *observer) write(m engine.Metrics) {
	l := logged{Metrics: m, Left: int(o.left(m.Step).Seconds())}
	if m.Split == "train" {
		p := o.spent(m.Waiting, true)
		l.Bottleneck, l.Loader = p.Bottleneck, &p.Loader
	}
	text, err := json.Marshal(l)
	if err == nil {
		_, err = o.metrics.Write(append(text, '\n'))
	}
	if err == nil {
		err = o.board(m)
	}
	if err != nil {
		o.fail(fmt.Errorf("write metrics: %w", err))
	}
	if o.live != nil {
		o.live(l)
	}
}

// board writes a line for TensorBoard.
func (o *observer) board(m engine.Metrics) error {
	scalars := []tensorboard.Scalar{
		{Tag: "loss", Value: m.Loss}, {Tag: "top1_error", Value: m.Top1Error}, {Tag: "top5_error", Value: m.Top5Error},
		{Tag: "images_per_s", Value: m.ImagesPerSec},
	}
	if m.Split == "train" {
		scalars = append(scalars, tensorboard.Scalar{Tag: "lr", Value: m.Rate}, tensorboard.Scalar{Tag: "waiting", Value: m.Waiting})
	}
	return o.boards[m.Split].Write(m.Step, time.Now(), scalars...)
}

func (o *observer) text(m engine.Metrics) string {
	return fmt.Sprintf("epoch %d/%d  step %d/%d  loss %.3f  top-1 error %.1f %%  top-5 error %.1f %%  %.1f images/s (%v)  %s left",
		m.Epoch, o.epochs, m.Step, o.steps, m.Loss, 100*m.Top1Error, 100*m.Top5Error, m.ImagesPerSec, o.spent(m.Waiting, false), command.Span(o.left(m.Step)))
}

// left is how long the rest will take at this session's pace, validation and
// saving included.
func (o *observer) left(step uint64) time.Duration {
	elapsed := time.Since(o.began)
	if step <= o.first || step >= o.steps {
		return 0
	}
	left := time.Duration(float64(elapsed) / float64(step-o.first) * float64(o.steps-step))
	if o.maxTime > 0 {
		left = max(0, min(left, o.maxTime-elapsed))
	}
	return left
}
