package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/tools/internal/command"
)

// serveCommand answers over HTTP.
func serveCommand(stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name:     "serve",
		Category: inUse,
		Usage:    "say what is on pictures over HTTP",
		UsageText: `train-alexnet serve --checkpoint runs/first/checkpoints/best.safetensors
   curl --data-binary @cat.jpg 'http://127.0.0.1:8080/predict?top=3'
   curl -F image=@cat.jpg http://127.0.0.1:8080/predict`,
		Description: "POST /predict takes a picture as the body, or as the field \"image\" of a form, and answers in JSON. GET /healthz\n" +
			"answers 200, GET /metrics in Prometheus' text format. Only this machine can reach it unless --addr says otherwise;\n" +
			"it asks nobody for a password. Ctrl-C answers what it has taken, for at most --timeout, and exits with code 130.",
		Flags: append(pictureFlags(50),
			&cli.StringFlag{Name: "addr", Value: "127.0.0.1:8080", Usage: "listen on `HOST:PORT`; port 0 takes a free one"},
			&cli.Float64Flag{Name: "max-body", Value: 20, Usage: "refuse larger files: `MB`"},
			&cli.DurationFlag{Name: "timeout", Value: 10 * time.Second, Usage: "answer, or refuse, within `TIME`"},
			&cli.IntFlag{Name: "concurrency", Usage: "work on `N` requests at once, and refuse more with 429; 0 is four a core"},
			&cli.IntFlag{Name: "top", Value: 5, Usage: "answer with the `N` most probable classes unless the request says ?top=N"},
		),
		Action: func(c *cli.Context) error { return serve(c, stderr) },
	}
}

func serve(c *cli.Context, stderr io.Writer) error {
	for flag, ok := range map[string]bool{
		"max-body": c.Float64("max-body") > 0, "timeout": c.Duration("timeout") > 0, "max-megapixels": c.Float64("max-megapixels") > 0,
		"concurrency": c.Int("concurrency") >= 0, "top": c.Int("top") >= 1,
	} {
		if !ok {
			return command.Usagef("--%s %v: want a positive number", flag, c.Value(flag))
		}
	}
	rows := 1
	if c.Bool("ten-crop") {
		rows = tenViews
	}
	concurrency := c.Int("concurrency")
	if concurrency == 0 {
		concurrency = 4 * runtime.GOMAXPROCS(0)
	}
	e, err := openEnsemble(c, rows, "")
	if err != nil {
		return err
	}
	defer e.close()
	pictures, err := newReader(e.size, c.Float64("max-megapixels"))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.String("addr"))
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("--addr %s: another program listens there: stop it, or give another port (0 takes a free one)", c.String("addr"))
	}
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	s := newServer(e, pictures, serverLimits{
		body: int64(c.Float64("max-body") * 1e6), timeout: c.Duration("timeout"), concurrency: concurrency, top: c.Int("top"),
	})
	fmt.Fprintf(stderr, "serving http://%s/predict\n", listener.Addr())
	if a, ok := listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		fmt.Fprintln(stderr, "other machines can reach it: anyone who can may ask")
	}
	return listenUntil(c.Context, s, listener, stderr)
}

// listenUntil serves until ctx ends, and then answers what has been taken.
func listenUntil(ctx context.Context, s *server, listener net.Listener, stderr io.Writer) error {
	hs := &http.Server{
		Handler: s, ReadHeaderTimeout: s.limits.timeout, ReadTimeout: s.limits.timeout,
		WriteTimeout: 2 * s.limits.timeout, IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 16,
	}
	done := make(chan error, 1)
	go func() { done <- hs.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.timeout)
	defer cancel()
	err := hs.Shutdown(wait)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests left unanswered: %w", err), hs.Close())
	}
	s.retire()
	fmt.Fprintf(stderr, "answered %d requests\n", s.metrics.total())
	return errors.Join(err, ctx.Err())
}
