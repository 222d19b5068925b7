package dashboard

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func listen(t *testing.T, addr string) *Server {
	t.Helper()
	s, err := Listen(addr, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// TestNoLinks: a link in the place of a picture leads to no file of anybody's.
func TestNoLinks(t *testing.T) {
	s := listen(t, ":0")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(s.dir, "kernels.png")); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "guesses.png"), []byte("a picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, text := get(t, s.URL()+"kernels.png"); code != http.StatusNotFound || strings.Contains(text, "secret") {
		t.Errorf("a link: %d %q", code, text)
	}
	if code, text := get(t, s.URL()+"guesses.png"); code != http.StatusOK || text != "a picture" {
		t.Errorf("a picture: %d %q", code, text)
	}
	http.DefaultClient.CloseIdleConnections()
}

// Who comes late gets the history first, then what is new.
func TestEvents(t *testing.T) {
	s := listen(t, ":0")
	if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") {
		t.Errorf("%s: without a host it should be reached from this machine only", s.URL())
	}
	if err := s.Publish(map[string]int{"step": 1}); err != nil {
		t.Fatal(err)
	}
	r, err := http.Get(s.URL() + "events")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	next := func() string {
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "data:") {
				return lines.Text()
			}
		}
		return "the end"
	}
	for _, want := range []string{`data: {}`, `data: {"step":1}`} {
		if got := next(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if err := s.Publish(map[string]int{"step": 2}); err != nil {
		t.Fatal(err)
	}
	if got := next(); got != `data: {"step":2}` {
		t.Errorf("%s, want step 2", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.done = make(chan struct{}) // for the clean-up's Close
	if got := next(); got != "the end" {
		t.Errorf("%s after Close", got)
	}
}

// Strangers who keep connections open take the page's places, and no more.
func TestConnectionsAreBounded(t *testing.T) {
	s := listen(t, ":0")
	address := strings.TrimSuffix(strings.TrimPrefix(s.URL(), "http://"), "/")
	watch := func() net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := fmt.Fprintf(c, "GET /events HTTP/1.1\r\nHost: %s\r\n\r\n", address); err != nil {
			t.Fatal(err)
		}
		return c
	}
	answered := func(c net.Conn, wait time.Duration) error {
		c.SetReadDeadline(time.Now().Add(wait))
		_, err := c.Read(make([]byte, 1))
		return err
	}
	var first net.Conn
	for range connections {
		first = watch()
		if err := answered(first, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	last := watch()
	if err := answered(last, 200*time.Millisecond); !os.IsTimeout(err) {
		t.Fatalf("connection %d: %v, want no answer yet", connections+1, err)
	}
	first.Close()
	if err := answered(last, time.Minute); err != nil {
		t.Errorf("%v though another one left", err)
	}
}

func TestTokenAndHost(t *testing.T) {
	wide := listen(t, "0.0.0.0:0")
	base, token, _ := strings.Cut(wide.URL(), "?token=")
	name, err := os.Hostname()
	if err != nil || !strings.HasPrefix(base, "http://"+name+":") {
		t.Errorf("%s: want this machine's name, %s, %v", base, name, err)
	}
	base = strings.Replace(base, name, "127.0.0.1", 1)
	if len(token) < 20 {
		t.Fatalf("%s: want a token for an address that others reach", wide.URL())
	}
	for path, want := range map[string]int{"": 403, "?token=x": 403, "events": 403, "kernels.png": 403, "?token=" + token: 200, "kernels.png?token=" + token: 404, "run.json?token=" + token: 404} {
		if code, _ := get(t, base+path); code != want {
			t.Errorf("%s: code %d, want %d", path, code, want)
		}
	}
	local := listen(t, ":0")
	q, err := http.NewRequest("GET", local.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Host = "evil.example"
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != 403 {
		t.Errorf("a foreign name for this machine: code %d, want 403", r.StatusCode)
	}
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Listen(l.Addr().String(), ""); err == nil || !strings.Contains(err.Error(), "in use: choose another port") {
		t.Errorf("port in use: %v", err)
	}
	for _, bad := range []string{":nowhere", ":70000", "8080"} {
		if err := CheckAddress(bad); err == nil || !strings.Contains(err.Error(), "want :8080") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := Listen("8080", ""); err == nil || !strings.Contains(err.Error(), "want :8080") {
		t.Errorf("no colon: %v", err)
	}
}

// holdLoad serves the page with a picture that takes two seconds: a headless
// Chromium looks at a page when all of it is loaded, and events don't count.
func holdLoad(t *testing.T, url string) string {
	to, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", httputil.NewSingleHostReverseProxy(to))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		_, text := get(t, url)
		fmt.Fprint(w, text, `<img src="slow" hidden>`)
	})
	mux.HandleFunc("GET /slow", func(http.ResponseWriter, *http.Request) { time.Sleep(2 * time.Second) })
	proxy := httptest.NewServer(mux)
	t.Cleanup(func() {
		proxy.CloseClientConnections()
		proxy.Close()
	})
	return proxy.URL
}

// Chromium draws what was published.
func TestPageInChromium(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine")
	}
	if testing.Short() {
		t.Skip("starts a browser")
	}
	s := listen(t, ":0")
	var dot bytes.Buffer
	if err := png.Encode(&dot, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "guesses.png"), dot.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	s.Publish(map[string]any{"title": "alexnet-mini: runs/<first>", "epochs": 20, "steps": 2500, "chance": 2.3})
	for step := 20; step <= 1500; step += 20 {
		f := 1 / (1 + float64(step)/300)
		s.Publish(map[string]any{"split": "train", "epoch": step/125 + 1, "step": step, "loss": 2.3 * f, "top1_error": .9 * f, "top5_error": .4 * f, "lr": .005, "images_per_s": 312.4, "bottleneck": "training", "seconds_left": 95})
		if step%125 < 20 {
			s.Publish(map[string]any{"split": "val", "epoch": step / 125, "step": step, "loss": 2.2 * f, "top1_error": .88 * f, "top5_error": .3 * f, "lr": .005, "images_per_s": 900})
		}
	}
	url := holdLoad(t, s.URL())
	args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + t.TempDir(), "--window-size=1000,1100"}
	dump, err := exec.Command(chromium, append(args, "--dump-dom", url)...).Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	page := string(dump)
	for _, want := range []string{"alexnet-mini: runs/&lt;first&gt;", "epoch 13 of 20, step 1500 of 2500, 1 min left", "<b>14.7 %</b>", "<b>312</b>", "<span>images/s</span>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	page, _, _ = strings.Cut(page, "<script>")
	// There is a guesses.png and no kernels.png.
	if !strings.Contains(page, `<section hidden=""><h2>Kernels`) || !strings.Contains(page, "<section><h2>Validation pictures") || !strings.Contains(page, `src="http`) {
		t.Error("the page shows a picture that isn't there, or not the one that is")
	}
	if n := strings.Count(page, "<polyline"); n != 5 {
		t.Errorf("%d curves, want 5", n)
	}
	if n := strings.Count(page, "<circle"); n != 3*12 {
		t.Errorf("%d validation points, want 36", n)
	}
}
