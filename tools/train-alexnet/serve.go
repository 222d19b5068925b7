package main

import (
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/engine/infer"
	"alexnet/engine/infer/serve"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// serveCommand answers requests over HTTP.
func serveCommand(stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name:     "serve",
		Category: inUse,
		Usage:    "say what is on pictures over HTTP",
		UsageText: `train-alexnet serve --checkpoint runs/first/checkpoints/best.safetensors
   curl --data-binary @cat.jpg 'http://127.0.0.1:8080/predict?top=3'
   curl -F image=@cat.jpg http://127.0.0.1:8080/predict`,
		Description: "In a browser it shows a page on which pictures can be dropped. POST /predict takes a picture as the body, or as the\n" +
			"field \"image\" of a form, and answers in JSON. GET /healthz answers 200, GET /metrics in Prometheus' text format.\n" +
			"Only this machine can reach it unless --addr says otherwise; then it needs --token-file or --anyone. A request\n" +
			"is read completely before work on it begins; --memory limits the memory of all requests together.\n" +
			"After Ctrl-C it answers the requests that it has accepted, for at most --timeout, and exits with code 0.",
		Flags: append(pictureFlags(50),
			&cli.StringFlag{Name: "addr", Value: "127.0.0.1:8080", Usage: "listen on `HOST:PORT`; port 0 takes a free one"},
			&cli.PathFlag{Name: "token-file", Usage: "allow only requests with the token in `FILE`, sent as Authorization: Bearer TOKEN; /healthz needs none"},
			&cli.BoolFlag{Name: "anyone", Usage: "allow requests without a token from everyone, even if other machines can reach --addr"},
			&cli.PathFlag{Name: "tls-cert", Usage: "answer over HTTPS with the certificate in `FILE`, PEM, the server's own first"},
			&cli.PathFlag{Name: "tls-key", Usage: "the private key of --tls-cert: `FILE`, PEM"},
			&cli.Float64Flag{Name: "max-body", Value: 20, Usage: "refuse larger requests: `MB`"},
			&cli.Float64Flag{Name: "memory", Value: 1280, Usage: "limit of memory of all requests together: a quarter of `MB` for bodies, the rest for decoded pictures, as estimated from their headers"},
			&cli.DurationFlag{Name: "timeout", Value: 10 * time.Second, Usage: "a request has `TIME` to arrive, and the same time again to be answered or refused"},
			&cli.IntFlag{Name: "concurrency", Usage: "work on `N` requests at once; 0 is four a core"},
			&cli.IntFlag{Name: "queue", Value: 256, Usage: "let `N` more wait for their turn, and refuse others with 429"},
			&cli.IntFlag{Name: "connections", Value: 1000, Usage: "keep at most `N` connections; a further one replaces the connection that has sent no complete request for longest"},
			&cli.IntFlag{Name: "top", Value: 5, Usage: "answer with the `N` most probable classes unless the request says ?top=N"},
		),
		Action: func(c *cli.Context) error { return serveHTTP(c, stderr) },
	}
}

func serveHTTP(c *cli.Context, stderr io.Writer) error {
	limits := serve.Limits{Timeout: c.Duration("timeout"), Concurrency: c.Int("concurrency"), Queue: c.Int("queue"), Connections: c.Int("connections"), Top: c.Int("top")}
	if err := limits.Share(c.Float64("max-body"), c.Float64("memory")); err != nil {
		return err
	}
	var g serve.Guard
	if path := c.Path("token-file"); path != "" {
		var err error
		if g.Token, err = serve.ReadToken(path); err != nil {
			return fmt.Errorf("--token-file: %w", err)
		}
	}
	secure, err := serve.Certificate(c.Path("tls-cert"), c.Path("tls-key"))
	if err != nil {
		return err
	}
	rows := 1
	if c.Bool("ten-crop") {
		rows = infer.TenViews
	}
	e, err := openEnsemble(c, rows, "")
	if err != nil {
		return err
	}
	defer e.Close()
	// As many decoders as requests in work: they share the processors, so that large
	// pictures don't delay small ones.
	pictures, err := infer.NewReader(e.Size(), c.Float64("max-megapixels"), limits.Concurrency)
	if err != nil {
		return err
	}
	listener, err := g.Listen(c.String("addr"), c.Bool("anyone"))
	if err != nil {
		return err
	}
	limits.BoundHeap()
	s := serve.New(e, pictures, limits, g, stderr)
	scheme := "http"
	if secure != nil {
		scheme = "https"
	}
	printable.Fprintf(stderr, "serving %[1]s://%[2]s/ (a page to drop pictures on) and %[1]s://%[2]s/predict\n", scheme, listener.Addr())
	if text := g.Exposure(secure != nil).In(setting.Flags{}); text != "" {
		fmt.Fprintln(stderr, text)
	}
	err = s.Run(c.Context, listener, secure)
	if c.Context.Err() != nil {
		fmt.Fprintf(stderr, "stopped after it answered %s\n", printable.Count(int(s.Answered()), "request"))
	}
	return err
}
