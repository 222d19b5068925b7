package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"alexnet/internal/redact"
)

// web is a folder of a web server. Parameters of its URL, such as signatures, are added
// to every object's URL.
type web struct {
	base   *url.URL // ends in a slash
	client *http.Client
	idle   *http.Transport          // below client
	shown  func(name string) string // nil: the URL
	hide   *strings.Replacer        // of the URL's secrets
}

func openWeb(_ context.Context, u *url.URL) (store, error) {
	idle := transport()
	return &web{base: u, client: &http.Client{Transport: idle}, idle: idle, hide: redact.Secrets(u)}, nil
}

// transport is http.DefaultTransport with a limit on the time to the first byte of a
// response. transfer limits the time between bytes.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.ResponseHeaderTimeout = 30 * time.Second
	t.MaxIdleConnsPerHost = 16
	t.DisableCompression = true // sizes must be those of the files
	return t
}

func (w *web) close() { w.idle.CloseIdleConnections() }

func (w *web) url(name string) *url.URL {
	u := *w.base
	u.Path = path.Join(u.Path, name)
	u.RawPath = ""
	return &u
}

func (w *web) location(name string) string {
	if w.shown != nil {
		return w.shown(name)
	}
	return redact.URL(w.url(name).String())
}

func (w *web) get(ctx context.Context, name string, offset int64) (io.ReadCloser, int64, int64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url(name).String(), nil)
	if err != nil {
		return nil, 0, 0, err
	}
	if offset > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	answer, err := w.client.Do(r)
	if err != nil {
		return nil, 0, 0, withoutURL(err)
	}
	from, size := int64(0), answer.ContentLength
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusPartialContent:
		if from, size, err = contentRange(answer.Header.Get("Content-Range")); err == nil && from > offset {
			err = fmt.Errorf("asked for bytes from %d, the server sends them from %d", offset, from)
		}
		if err != nil {
			answer.Body.Close()
			return nil, 0, 0, err
		}
	default:
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
		answer.Body.Close()
		said := answer.Status
		if line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n"); line != "" && !strings.ContainsAny(line, "<{") {
			said += ": " + w.hide.Replace(line)
		}
		return nil, 0, 0, &statusError{answer.StatusCode, said}
	}
	return answer.Body, from, size, nil
}

// withoutURL removes the request's URL, which may hold secrets, from an error.
func withoutURL(err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// contentRange reads "bytes 5-9/10" as 5 and 10.
func contentRange(header string) (from, size int64, err error) {
	rest, ok := strings.CutPrefix(header, "bytes ")
	span, total, cut := strings.Cut(rest, "/")
	first, _, dash := strings.Cut(span, "-")
	if ok && cut && dash {
		if from, err = strconv.ParseInt(first, 10, 64); err == nil && total == "*" {
			return from, -1, nil
		}
		if err == nil {
			size, err = strconv.ParseInt(total, 10, 64)
		}
	}
	if !ok || !cut || !dash || err != nil || from < 0 || size <= from {
		return 0, 0, fmt.Errorf("the server's Content-Range is %q", header)
	}
	return from, size, nil
}
