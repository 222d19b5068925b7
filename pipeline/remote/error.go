package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"time"

	"alexnet/internal/redact"
	"alexnet/internal/setting"
)

// Error reports an object that could not be fetched, and what to do.
type Error struct {
	URL      string // without passwords and tokens
	Attempts int    // how often it was requested
	Took     time.Duration
	Err      error // of the last attempt
}

func (e *Error) Error() string { return e.text().String() }

// In returns the text of Error with other words for the settings in it.
func (e *Error) In(w setting.Words) string { return e.text().In(w) }

func (e *Error) text() setting.Text {
	tried := ""
	if e.Attempts > 1 {
		tried = fmt.Sprintf("tried %d times in %v: ", e.Attempts, e.Took.Round(time.Second/10))
	}
	return setting.Textf("fetch %s: %s%v; %s", e.URL, tried, redact.Text(e.Err.Error()), e.advice())
}

func (e *Error) Unwrap() error { return e.Err }

// advice says what the user can do.
func (e *Error) advice() setting.Text {
	var status *statusError
	var network net.Error
	switch {
	case errors.Is(e.Err, fs.ErrNotExist):
		return setting.Textf("check the address: it is that of the folder which holds index.json, and what index.json names has to be there too")
	case errors.As(e.Err, &status) && (status.code == http.StatusUnauthorized || status.code == http.StatusForbidden):
		return setting.Textf("check the credentials: docs/using.md says where they are looked for")
	case errors.As(e.Err, &network), errors.Is(e.Err, errStalled):
		return setting.Textf("check the network and the address; what is in the cache stays there")
	}
	return setting.Textf("try again later, or copy the folder to this machine and give its path")
}

// errStalled means that almost no bytes came within Config.Stall.
var errStalled = errors.New("the server sends nothing more, or next to nothing")

// statusError is a server's refusal.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return e.text }

// Is makes a missing object look like a missing file.
func (e *statusError) Is(target error) bool {
	return target == fs.ErrNotExist && (e.code == http.StatusNotFound || e.code == http.StatusGone)
}

// permanent reports whether a repeated request would fail in the same way.
func permanent(err error) bool {
	var status *statusError
	if !errors.As(err, &status) {
		return false
	}
	switch status.code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status.code >= 400 && status.code < 500
}
