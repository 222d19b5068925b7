package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"alexnet/engine/infer"
	"alexnet/internal/printable"
	"alexnet/pipeline/decode"
)

// Server answers requests for predictions. A request passes these stations, and every
// one of them has a limit:
//
//	body      read whole, into memory of the budget bodies, before anything else
//	header    tells what decoding takes; much is taken from the budget decoded
//	slot      one of Limits.Concurrency
//	decoding  ends with its request's time
//	net       one request at a time
type Server struct {
	limits   Limits
	guard    Guard
	pictures *infer.Reader
	ensemble *infer.Ensemble
	log      io.Writer // for failures of the server itself

	visits  *visits
	bodies  *budget
	decoded *budget // for pictures that need more than small
	small   int64   // bytes of decoding that each slot includes
	queued  atomic.Int64
	cramped atomic.Int64  // queued requests that wait for memory to decode
	parsers chan struct{} // holds the right to parse a form or a header
	slots   chan struct{} // one each request in work
	model   chan struct{} // holds the right to use the ensemble
	metrics *metrics
}

// New makes a server of the ensemble. The ensemble must have room for the crops of
// one picture, and belongs to the server until Retire has returned. pictures must
// decode as many files at once as Limits.Concurrency. Failures of the server itself
// are written to log.
func New(e *infer.Ensemble, pictures *infer.Reader, limits Limits, g Guard, log io.Writer) *Server {
	return &Server{
		limits: limits, guard: g, pictures: pictures, ensemble: e, log: log,
		visits: newVisits(limits.Connections), bodies: newBudget(limits.Bodies), decoded: newBudget(limits.Decoded - limits.Decoded/8),
		small:   limits.Decoded / 8 / int64(limits.Concurrency),
		parsers: make(chan struct{}, runtime.GOMAXPROCS(0)), slots: make(chan struct{}, limits.Concurrency), model: make(chan struct{}, 1),
		metrics: newMetrics(),
	}
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	defer func() {
		if p := recover(); p != nil {
			printable.Fprintf(s.log, "a request made the server fail: %v\n%s", p, debug.Stack())
			s.answer(w, r, began, nil, refuse(http.StatusInternalServerError, "the server failed"))
		}
	}()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	methods, serve := []string{http.MethodGet, http.MethodHead}, s.health
	switch r.URL.Path {
	case "/predict":
		methods, serve = []string{http.MethodPost}, s.predict
	case "/metrics":
		serve = s.showMetrics
	case "/healthz":
	case "/":
		serve = s.page
	default:
		s.answer(w, r, began, nil, refuse(http.StatusNotFound, "there is no such page: GET /, POST /predict, GET /healthz and GET /metrics are answered"))
		return
	}
	known := false
	for _, m := range methods {
		w.Header().Add("Allow", m)
		known = known || r.Method == m
	}
	if !known {
		s.answer(w, r, began, nil, refuse(http.StatusMethodNotAllowed, "%s needs the method %s", r.URL.Path, methods[0]))
		return
	}
	w.Header().Del("Allow")
	serve(w, r, began)
}

// health reports only that the server runs, so it needs no token.
func (s *Server) health(w http.ResponseWriter, r *http.Request, _ time.Time) {
	io.WriteString(w, "ok\n") // the client is gone if this fails
}

func (s *Server) showMetrics(w http.ResponseWriter, r *http.Request, began time.Time) {
	if refused := s.guard.refuse(r); refused != nil {
		s.answer(w, r, began, nil, refused)
		return
	}
	var b bytes.Buffer
	s.metrics.write(&b)
	open, sentAway := s.visits.count()
	gauge(&b, "alexnet_requests_in_work", "Requests being worked on.", int64(len(s.slots)))
	gauge(&b, "alexnet_requests_queued", "Requests that wait for their turn.", s.queued.Load())
	gauge(&b, "alexnet_memory_bytes", "Memory of requests: bodies and decoded pictures.", s.bodies.inUse()+s.decoded.inUse())
	gauge(&b, "alexnet_connections", "Open connections.", int64(open))
	tally(&b, "alexnet_connections_sent_away_total", "Connections closed to make room for others.", sentAway)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write(b.Bytes()) // the client is gone if this fails
}

// Retire returns when nothing uses the ensemble any more, and nothing will.
func (s *Server) Retire() { s.model <- struct{}{} }

// refusal is an error with its HTTP status.
type refusal struct {
	status int
	err    error
}

func refuse(status int, format string, values ...any) *refusal {
	return &refusal{status, fmt.Errorf(format, values...)}
}

// predict answers POST /predict.
func (s *Server) predict(w http.ResponseWriter, r *http.Request, began time.Time) {
	guesses, refused := s.guesses(w, r)
	s.answer(w, r, began, guesses, refused)
}

// answer writes guesses, or the reason why there are none.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, began time.Time, guesses []infer.Guess, refused *refusal) {
	var b bytes.Buffer
	err := json.NewEncoder(&b).Encode(struct {
		Guesses []infer.Guess `json:"guesses"`
	}{guesses})
	if refused == nil && err != nil {
		printable.Fprintf(s.log, "an answer has no JSON: %v\n", err)
		refused = refuse(http.StatusInternalServerError, "the answer has no JSON")
	}
	status := http.StatusOK
	if refused != nil {
		status = refused.status
		b.Reset()
		err = json.NewEncoder(&b).Encode(struct {
			Error string `json:"error"`
		}{refused.err.Error()})
		if err != nil {
			printable.Fprintf(s.log, "an error has no JSON: %v\n", err)
		}
	}
	h := w.Header()
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	}
	if status != http.StatusOK && r.ContentLength != 0 && r.Method == http.MethodPost {
		h.Set("Connection", "close") // the rest of the body isn't read
	}
	if r.URL.Path == "/predict" {
		s.metrics.count(status, time.Since(began))
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(b.Bytes()) // the client is gone if this fails
}

// guesses takes a request through all stages.
func (s *Server) guesses(w http.ResponseWriter, r *http.Request) ([]infer.Guess, *refusal) {
	if refused := s.guard.refuse(r); refused != nil {
		return nil, refused
	}
	top := s.limits.Top
	query := r.URL.Query()
	if n := len(query["top"]); n > 1 {
		return nil, refuse(http.StatusBadRequest, "top is there %d times: give one", n)
	}
	if text := query.Get("top"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, refuse(http.StatusBadRequest, "top=%.20q: want a positive number", text)
		}
		top = n
	}
	body, refused := s.read(w, r)
	v, _ := r.Context().Value(visitKey{}).(*visit)
	if refused != nil {
		s.release(v, body)
		return nil, refused
	}
	job := &pictureJob{Server: s, body: body, release: func() { s.release(v, body) }, top: top}
	if isForm(r) {
		job.form = r.Header.Get("Content-Type")
	}
	if s.queued.Add(1) > int64(s.limits.Queue+s.limits.Concurrency-len(s.slots)) {
		s.queued.Add(-1)
		job.release()
		return nil, refuse(http.StatusTooManyRequests, "%s in work and %d waiting already: try again later", printable.Count(s.limits.Concurrency, "request"), s.limits.Queue)
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.Timeout)
	defer cancel()
	type result struct {
		guesses []infer.Guess
		refused *refusal
	}
	// A device, and some decoders, can't be interrupted at once. When the time is over,
	// their work continues, and keeps its slot and memory.
	done := make(chan result, 1)
	go func() {
		guesses, refused := job.run(ctx)
		done <- result{guesses, refused}
	}()
	select {
	case r := <-done:
		return r.guesses, r.refused
	case <-ctx.Done():
		return nil, s.late()
	}
}

func (s *Server) late() *refusal {
	return refuse(http.StatusServiceUnavailable, "no answer within %v", s.limits.Timeout)
}

// pictureJob is a request with a complete body.
type pictureJob struct {
	*Server
	body    []byte
	form    string // Content-Type of a form; "": the body is the picture
	release func() // of the body
	top     int
}

// run answers the request. A panic ends this request only.
func (j *pictureJob) run(ctx context.Context) (guesses []infer.Guess, refused *refusal) {
	waits := true
	defer func() {
		if waits {
			j.queued.Add(-1)
		}
		j.release()
		if p := recover(); p != nil {
			printable.Fprintf(j.log, "a picture made the server fail: %v\n%s", p, debug.Stack())
			guesses, refused = nil, refuse(http.StatusInternalServerError, "the server failed on this picture")
		}
	}()
	file, copied, refused := j.picture(ctx)
	defer func() { j.bodies.give(copied) }()
	if refused != nil {
		return nil, refused
	}
	need, refused := j.need(ctx, file)
	if refused != nil {
		return nil, refused
	}
	large := need > j.small
	if large {
		if refused := j.room(ctx, need); refused != nil {
			return nil, refused
		}
		defer j.decoded.give(need)
	}
	if !enter(ctx, j.slots) {
		return nil, j.late()
	}
	defer func() { <-j.slots }()
	j.queued.Add(-1)
	waits = false
	return j.look(ctx, file, large)
}

// enter takes a place in a channel, or reports that ctx has ended.
func enter(ctx context.Context, places chan struct{}) bool {
	select {
	case places <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	if ctx.Err() != nil {
		<-places
		return false
	}
	return true
}

// picture returns the picture file of a request, and the bytes of s.bodies that it
// takes besides the body.
func (j *pictureJob) picture(ctx context.Context) (file []byte, copied int64, refused *refusal) {
	file = j.body
	if j.form != "" {
		if j.bodies.take(ctx, int64(len(j.body))) != nil {
			return nil, 0, j.late()
		}
		copied = int64(len(j.body))
		if !enter(ctx, j.parsers) {
			return nil, copied, j.late()
		}
		defer func() { <-j.parsers }()
		var err error
		if file, err = formImage(j.form, j.body); err != nil {
			return nil, copied, &refusal{http.StatusBadRequest, err}
		}
	}
	if len(file) == 0 {
		return nil, copied, refuse(http.StatusBadRequest, "no picture: send its bytes as the body, or as the form field \"image\"")
	}
	return file, copied, nil
}

// need returns the memory that decoding a picture takes.
func (j *pictureJob) need(ctx context.Context, file []byte) (int64, *refusal) {
	if !enter(ctx, j.parsers) {
		return 0, j.late()
	}
	defer func() { <-j.parsers }()
	d, err := decode.Describe(file)
	switch {
	case err != nil:
		return 0, &refusal{http.StatusUnprocessableEntity, err}
	case j.pictures.TooLarge(d):
		return 0, nil // it will be refused undecoded
	case d.Memory > j.decoded.size:
		return 0, refuse(http.StatusUnprocessableEntity, "a %s of %d×%d pixels takes %d MB to decode, more than the server's %d MB", d.Format, d.Width, d.Height, d.Memory/1e6, j.decoded.size/1e6)
	}
	return d.Memory, nil
}

// room takes the memory for decoding a large picture. Few requests may wait for it at
// a time, so that large pictures cannot fill the queue.
func (j *pictureJob) room(ctx context.Context, need int64) *refusal {
	if ok, _ := j.decoded.try(need); ok {
		return nil
	}
	defer j.cramped.Add(-1)
	if j.cramped.Add(1) > int64(j.limits.Concurrency) {
		return refuse(http.StatusServiceUnavailable, "decoding this picture takes %d MB, and others wait for memory already: try again later", need/1e6)
	}
	if j.decoded.take(ctx, need) != nil {
		return j.late()
	}
	return nil
}

// look decodes a picture and runs the nets.
func (j *pictureJob) look(ctx context.Context, file []byte, large bool) ([]infer.Guess, *refusal) {
	square := make([]byte, 3*j.pictures.Size()*j.pictures.Size())
	if err := j.pictures.Square(ctx, square, file, large); err != nil {
		if ctx.Err() != nil {
			return nil, j.late()
		}
		return nil, &refusal{http.StatusUnprocessableEntity, err}
	}
	if !enter(ctx, j.model) {
		return nil, j.late()
	}
	defer func() { <-j.model }()
	probs, err := j.ensemble.Probabilities([][]byte{square})
	if err == nil && !infer.Finite(probs[0]) {
		err = errors.New("the net's answer has numbers that are not finite: its weights are damaged")
	}
	if err != nil {
		printable.Fprintf(j.log, "a picture could not be answered: %v\n", err)
		return nil, &refusal{http.StatusInternalServerError, err}
	}
	return j.ensemble.Top(probs[0], j.top), nil
}
