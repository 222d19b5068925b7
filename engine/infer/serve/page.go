package serve

import (
	_ "embed"
	"net/http"
	"time"
)

//go:embed page.html
var pageText []byte

// pagePolicy lets the page do what it does: its own script and style, the picture
// that was dropped, and questions to this server.
const pagePolicy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page shows a page on which a picture can be dropped. It says nothing of the net, so
// it asks for no token; the questions that it asks do.
func (s *Server) page(w http.ResponseWriter, r *http.Request, _ time.Time) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	w.Write(pageText) // the client is gone if this fails
}
