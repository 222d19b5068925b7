package serve

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestPage: whoever opens the server in a browser finds a page that needs nothing
// from elsewhere, also where questions want a token.
func TestPage(t *testing.T) {
	_, hs := newTestServer(t, ample, Guard{Local: true, Token: []byte("0123456789abcdef"), Cross: http.NewCrossOriginProtection()})
	r, err := http.Get(hs.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("status %d, %s, %v", r.StatusCode, r.Header.Get("Content-Type"), err)
	}
	if policy := r.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") || !strings.Contains(policy, "connect-src 'self'") {
		t.Errorf("policy %q", policy)
	}
	if out := regexp.MustCompile(`(?i)https?://|src="[^"]|@import|<link rel="stylesheet`).Find(text); out != nil {
		t.Errorf("the page wants %q", out)
	}
	for _, want := range []string{"fetch('predict'", "width=device-width", "token.hidden = false", `type="file"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in the page", want)
		}
	}
	if strings.Contains(string(text), "innerHTML") {
		t.Error("names of classes may become HTML")
	}
	for method, want := range map[string]int{"HEAD": 200, "POST": 405} {
		if got := ask(t, http.DefaultClient, method, hs.URL+"/", "", "", ""); got != want {
			t.Errorf("%s /: %d, want %d", method, got, want)
		}
	}
}
