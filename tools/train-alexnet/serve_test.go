package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"alexnet/engine/devices"
	"alexnet/engine/infer"
	"alexnet/tools/internal/command"
)

// newTestServer serves the trained net of the world.
func newTestServer(t *testing.T, w trained, limits serverLimits, g guard) (*server, *httptest.Server) {
	t.Helper()
	e, err := openModel(w.checkpoint, "cpu", devices.Options{Threads: 1}, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := infer.NewReader(testSize, 50, 4)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(e, pictures, limits, g, io.Discard)
	hs := httptest.NewUnstartedServer(nil)
	hs.Config = s.http()
	hs.Start()
	t.Cleanup(func() { hs.Close(); s.retire(); e.Close() })
	return s, hs
}

var ample = serverLimits{
	body: 1 << 20, bodies: 16 << 20, decoded: 1 << 30, timeout: 10 * time.Second, concurrency: 4, queue: 8, connections: 100, top: 2,
}

// answer is what /predict says.
type answer struct {
	status  int
	Guesses []infer.Guess
	Error   string
	header  http.Header
	closes  bool // the connection
}

func post(t *testing.T, url, kind string, body io.Reader) answer {
	t.Helper()
	r, err := http.Post(url, kind, body)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	a := answer{status: r.StatusCode, header: r.Header}
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("%s: %d, %v", url, r.StatusCode, err)
	}
	return string(b)
}

// hugePNG is the head of a PNG of 20,000×20,000 pixels, 400 megapixels.
func hugePNG() []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), 20000)
	head = append(binary.BigEndian.AppendUint32(head, 20000), 8, 2, 0, 0, 0)
	b := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), 13)
	b = append(b, head...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(head))
}

func serveAnswers(t *testing.T, w trained) {
	_, hs := newTestServer(t, w, ample, guard{})
	file := filepath.Join(w.pictures, "class1", "03.png")
	picture := read(t, file)
	want := w.predict(t, 0, file).Pictures[0].Guesses
	a := post(t, hs.URL+"/predict", "application/octet-stream", strings.NewReader(picture))
	if a.status != 200 || len(a.Guesses) != 2 || a.Guesses[0].Class != want[0].Class || math.Abs(a.Guesses[0].Probability-want[0].Probability) > 1e-6 {
		t.Errorf("answer %+v, predict says %+v", a, want)
	}
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	if err := m.WriteField("note", "not this"); err != nil {
		t.Fatal(err)
	}
	part, err := m.CreateFormFile("image", "03.png")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(part, picture)
	m.Close()
	b := post(t, hs.URL+"/predict?top=1", m.FormDataContentType(), &form)
	if b.status != 200 || len(b.Guesses) != 1 || b.Guesses[0] != a.Guesses[0] {
		t.Errorf("answer to a form %+v", b)
	}
	if get(t, hs.URL+"/healthz") != "ok\n" {
		t.Error("not healthy")
	}
	metrics := get(t, hs.URL+"/metrics")
	for _, want := range []string{"alexnet_requests_total{code=\"200\"} 2\n", "alexnet_requests_in_work 0\n", "alexnet_request_seconds_bucket{le=\"+Inf\"} 2\n", "alexnet_request_seconds_count 2\n"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %q in\n%s", want, metrics)
		}
	}
}

func serveRefuses(t *testing.T, w trained) {
	_, hs := newTestServer(t, w, ample, guard{})
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	m.WriteField("other", "x")
	m.Close()
	for _, c := range []struct {
		status int
		want   string
		query  string
		kind   string
		body   []byte
	}{
		{422, "20000×20000 pixels is over the limit of 50 megapixels", "", "image/png", hugePNG()},
		{422, "picture", "", "image/png", []byte("just some text, no picture at all")},
		{413, "over the limit of 1048576 bytes", "", "image/png", make([]byte, 1<<20+1)},
		{400, "no picture", "", "image/png", nil},
		{400, "no field \"image\"", "", m.FormDataContentType(), form.Bytes()},
		{400, "has no boundary", "", "multipart/form-data", []byte("x")},
		{400, "the form is damaged", "", "multipart/form-data; boundary=b", []byte("--b\r\nx")},
		{400, "top=\"0\"", "?top=0", "image/png", []byte("x")},
	} {
		began := time.Now()
		a := post(t, hs.URL+"/predict"+c.query, c.kind, bytes.NewReader(c.body))
		if a.status != c.status || !strings.Contains(a.Error, c.want) {
			t.Errorf("%s: status %d, %q", c.want, a.status, a.Error)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: refused after %v", c.want, took)
		}
	}
	for path, status := range map[string]int{"/predict": 405, "/": 404, "/predict/x": 404, "//predict": 404} {
		r, err := http.Get(hs.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		var a answer
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil || a.Error == "" || r.StatusCode != status || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("GET %s: %d, %+v, %v", path, r.StatusCode, a, err)
		}
		if allow := r.Header.Get("Allow"); (status == 405) != (allow == "POST") {
			t.Errorf("GET %s: Allow: %s", path, allow)
		}
	}
}

func serveBusyAndLate(t *testing.T, w trained) {
	limits := ample
	limits.concurrency, limits.queue, limits.timeout = 1, 0, 200*time.Millisecond
	s, hs := newTestServer(t, w, limits, guard{})
	picture := read(t, filepath.Join(w.pictures, "class1", "03.png"))
	s.slots <- struct{}{} // one is in work
	if a := post(t, hs.URL+"/predict", "image/png", strings.NewReader(picture)); a.status != 429 || a.header.Get("Retry-After") != "1" {
		t.Errorf("a second request: %+v", a)
	}
	<-s.slots
	s.model <- struct{}{} // the net is taken
	if a := post(t, hs.URL+"/predict", "image/png", strings.NewReader(picture)); a.status != 503 || !strings.Contains(a.Error, "no answer within 200ms") {
		t.Errorf("a late answer: %+v", a)
	}
	<-s.model
	if metrics := get(t, hs.URL+"/metrics"); !strings.Contains(metrics, "{code=\"429\"} 1\n") || !strings.Contains(metrics, "{code=\"503\"} 1\n") {
		t.Errorf("metrics\n%s", metrics)
	}
}

// serveListens runs the command itself on a real port until Ctrl-C.
func serveListens(t *testing.T, w trained) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	in, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"train-alexnet", "serve", "--checkpoint", w.checkpoint, "--size", "20", "--addr", "127.0.0.1:0"}, io.Discard, out)
		out.Close()
		done <- err
	}()
	head := make([]byte, 200)
	n, err := in.Read(head)
	if err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(string(head[:n]))
	rest := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(in)
		rest <- string(b)
	}()
	picture := read(t, filepath.Join(w.pictures, "class2", "03.png"))
	if a := post(t, "http://"+address+"/predict", "image/png", strings.NewReader(picture)); a.status != 200 || len(a.Guesses) != 3 {
		t.Errorf("answer %+v from %q", a, head[:n])
	}
	call("train-alexnet", "serve", "--checkpoint", w.checkpoint, "--addr", address).must(t, 1, "another program listens there")
	stop()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) || command.Report("x", err, io.Discard) != command.Interrupted {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Ctrl-C didn't end it")
	}
	if text := <-rest; !strings.Contains(text, "answered 1 requests") {
		t.Errorf("said %q", text)
	}
	if _, err := net.DialTimeout("tcp", address, time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("still there: %v", err)
	}
	for _, flags := range []string{"--timeout 0s", "--max-body 0", "--concurrency -1", "--max-megapixels 0", "--top 0", "--memory 0", "--memory NaN", "--queue -1", "--connections 0"} {
		args := append([]string{"train-alexnet", "serve", "--checkpoint", w.checkpoint}, strings.Fields(flags)...)
		call(args...).must(t, 2, fmt.Sprintf("%s: want a positive number", flags))
	}
	call("train-alexnet", "serve", "--checkpoint", w.checkpoint, "--addr", "nowhere").must(t, 1, "--addr")
}
