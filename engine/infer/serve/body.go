package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
)

// firstRead is the memory that the body of a request gets at first. It grows as bytes
// arrive, whatever length the request claims.
const firstRead = 64 << 10

// read reads a request's body. The caller returns its capacity to s.bodies.
func (s *Server) read(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	most := s.limits.Body
	if r.ContentLength > most {
		return nil, s.tooLarge()
	}
	if r.ContentLength >= 0 {
		most = r.ContentLength
	}
	v, _ := r.Context().Value(visitKey{}).(*visit)
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.Timeout)
	defer cancel()
	stream := http.MaxBytesReader(w, r.Body, s.limits.Body)
	var b []byte
	for {
		if len(b) == cap(b) {
			// One byte more than the limit, so that a longer body is noticed.
			grown, refused := s.grow(ctx, v, b, min(max(firstRead, 2*int64(cap(b))), most+1))
			if b = grown; refused != nil {
				return b, refused
			}
		}
		n, err := stream.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case err == io.EOF:
			s.visits.begin(v)
			return b, nil
		case err != nil:
			return b, s.unread(v, err)
		}
	}
}

// grow moves a body to n bytes of memory.
func (s *Server) grow(ctx context.Context, v *visit, b []byte, n int64) ([]byte, *refusal) {
	var thrown <-chan struct{}
	if v != nil {
		thrown = v.thrown
	}
	for {
		ok, changed := s.bodies.try(n)
		if ok {
			grown := append(make([]byte, 0, n), b...)
			s.bodies.give(int64(cap(b)))
			s.visits.holds(v, n)
			return grown, nil
		}
		s.visits.makeRoom()
		select {
		case <-changed:
		case <-thrown:
			return b, s.crowded()
		case <-ctx.Done():
			return b, s.crowded()
		}
	}
}

// release returns the memory of a body.
func (s *Server) release(v *visit, b []byte) {
	s.bodies.give(int64(cap(b)))
	s.visits.holds(v, 0)
}

func (s *Server) crowded() *refusal {
	return refuse(http.StatusServiceUnavailable, "the requests that are being sent at the same time take all of the server's memory, and this one takes most of it: try again later")
}

func (s *Server) tooLarge() *refusal {
	return refuse(http.StatusRequestEntityTooLarge, "the body is over the limit of %d bytes", s.limits.Body)
}

// unread explains why a body could not be read. It leaves out the connection's own error,
// which holds addresses.
func (s *Server) unread(v *visit, err error) *refusal {
	if v != nil {
		select {
		case <-v.thrown:
			return s.crowded()
		default:
		}
	}
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return s.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, "the request was not there within %v", s.limits.Timeout)
	}
	return refuse(http.StatusBadRequest, "the body is cut short or malformed")
}

// isForm reports whether a request's body is a form.
func isForm(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "multipart/form-data"
}

// formImage returns the field "image" of a form, in memory of its own.
func formImage(contentType string, form []byte) ([]byte, error) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return nil, errors.New("the Content-Type of the form has no boundary")
	}
	parts := multipart.NewReader(bytes.NewReader(form), params["boundary"])
	var file *bytes.Buffer
	for {
		part, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF) && file == nil:
			return nil, errors.New("the form has no field \"image\"")
		case errors.Is(err, io.EOF):
			return file.Bytes(), nil
		case err != nil:
			return nil, fmt.Errorf("the form is damaged: %w", err)
		case part.FormName() != "image":
			continue
		case file != nil:
			return nil, errors.New("the form has more than one field \"image\": send a picture a request")
		}
		file = bytes.NewBuffer(make([]byte, 0, len(form)))
		if _, err := file.ReadFrom(part); err != nil {
			return nil, fmt.Errorf("the form is damaged: %w", err)
		}
	}
}
