package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// serverLimits bound what a request may ask for.
type serverLimits struct {
	body        int64         // bytes
	timeout     time.Duration // of a whole request
	concurrency int           // requests in work
	top         int           // guesses unless the request says
}

// server answers requests for predictions.
type server struct {
	limits   serverLimits
	pictures *reader
	ensemble *ensemble
	model    chan struct{} // holds the right to use the ensemble
	slots    chan struct{} // one each request in work
	metrics  *serveMetrics
	mux      *http.ServeMux
}

func newServer(e *ensemble, pictures *reader, limits serverLimits) *server {
	s := &server{
		limits: limits, pictures: pictures, ensemble: e, model: make(chan struct{}, 1), slots: make(chan struct{}, limits.concurrency),
		metrics: newServeMetrics(), mux: http.NewServeMux(),
	}
	s.mux.HandleFunc("POST /predict", s.predict)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	s.mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		s.metrics.write(w, len(s.slots))
	})
	return s
}

// ServeHTTP answers a request.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// retire returns when nothing uses the ensemble, and nothing ever will.
func (s *server) retire() { s.model <- struct{}{} }

// refusal is an error with its HTTP status.
type refusal struct {
	status int
	err    error
}

func refuse(status int, format string, values ...any) *refusal {
	return &refusal{status, fmt.Errorf(format, values...)}
}

// predict answers POST /predict.
func (s *server) predict(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	guesses, refused := s.guesses(w, r)
	status := http.StatusOK
	var answer any = struct {
		Guesses []guess `json:"guesses"`
	}{guesses}
	if refused != nil {
		status = refused.status
		answer = struct {
			Error string `json:"error"`
		}{refused.err.Error()}
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
	}
	s.metrics.count(status, time.Since(began))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer) // the client is gone if this fails
}

func (s *server) guesses(w http.ResponseWriter, r *http.Request) ([]guess, *refusal) {
	select {
	case s.slots <- struct{}{}:
	default:
		return nil, refuse(http.StatusTooManyRequests, "%d requests are in work already: try again later", s.limits.concurrency)
	}
	top := s.limits.top
	if text := r.URL.Query().Get("top"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			<-s.slots
			return nil, refuse(http.StatusBadRequest, "top=%.20s: want a positive number", text)
		}
		top = n
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.timeout)
	defer cancel()
	file, refused := s.file(w, r)
	if refused != nil {
		<-s.slots
		return nil, refused
	}
	type result struct {
		guesses []guess
		refused *refusal
	}
	// A decoder and a device cannot be interrupted: what they do goes on, and
	// keeps its slot, when the time is over.
	done := make(chan result, 1)
	go func() {
		defer func() { <-s.slots }()
		guesses, refused := s.look(ctx, file, top)
		done <- result{guesses, refused}
	}()
	select {
	case r := <-done:
		return r.guesses, r.refused
	case <-ctx.Done():
		return nil, s.late()
	}
}

func (s *server) late() *refusal {
	return refuse(http.StatusServiceUnavailable, "no answer within %v", s.limits.timeout)
}

// look decodes a picture and asks the nets.
func (s *server) look(ctx context.Context, file []byte, top int) ([]guess, *refusal) {
	square := make([]byte, 3*s.pictures.size*s.pictures.size)
	if err := s.pictures.square(ctx, square, file); ctx.Err() != nil {
		return nil, s.late()
	} else if err != nil {
		return nil, &refusal{http.StatusUnprocessableEntity, err}
	}
	select {
	case s.model <- struct{}{}:
		defer func() { <-s.model }()
	case <-ctx.Done():
		return nil, s.late()
	}
	if ctx.Err() != nil {
		return nil, s.late()
	}
	probs, err := s.ensemble.probabilities([][]byte{square})
	if err != nil {
		return nil, &refusal{http.StatusInternalServerError, err}
	}
	return s.ensemble.top(probs[0], top), nil
}

// file reads the picture from the body or from the form's field "image".
func (s *server) file(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	r.Body = http.MaxBytesReader(w, r.Body, s.limits.body)
	var b bytes.Buffer
	err := func() error {
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "multipart/form-data" {
			_, err := b.ReadFrom(r.Body)
			return err
		}
		form, err := r.MultipartReader()
		if err != nil {
			return err
		}
		for {
			part, err := form.NextPart()
			if errors.Is(err, io.EOF) {
				return errors.New("the form has no field \"image\"")
			}
			if err != nil {
				return err
			}
			if part.FormName() == "image" {
				_, err := b.ReadFrom(part)
				return err
			}
		}
	}()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body is over the limit of %d bytes", large.Limit)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "reading the picture: %w", err)
	case b.Len() == 0:
		return nil, refuse(http.StatusBadRequest, "no picture: send its bytes as the body, or as the form field \"image\"")
	}
	return b.Bytes(), nil
}
