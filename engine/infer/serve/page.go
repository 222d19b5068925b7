package serve

import (
	_ "embed"
	"net/http"
	"time"
)

//go:embed page.html
var pageText []byte

// pagePolicy allows only the page's own script and style, the dropped picture, and
// requests to this server.
const pagePolicy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page serves a page for dropping a picture. It needs no token, since it has no data
// about the net; its requests need one.
func (s *Server) page(w http.ResponseWriter, r *http.Request, _ time.Time) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	w.Write(pageText) // the client is gone if this fails
}
