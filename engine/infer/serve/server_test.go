package serve

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"alexnet/engine/devices"
	"alexnet/engine/infer"
	"alexnet/internal/setting"
)

// newTestServer serves the net of package infer's tests.
func newTestServer(t *testing.T, limits Limits, g Guard) (*Server, *httptest.Server) {
	t.Helper()
	e, err := infer.Open(infer.Config{Checkpoints: []string{"../testdata/textures.safetensors"}, Devices: "cpu", Options: devices.Options{Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := infer.NewReader(e.Size(), 50, 4)
	if err != nil {
		t.Fatal(err)
	}
	s := New(e, pictures, limits, g, io.Discard)
	hs := httptest.NewUnstartedServer(nil)
	hs.Config = s.HTTP()
	hs.Start()
	t.Cleanup(func() { hs.Close(); s.Retire(); e.Close() })
	return s, hs
}

// encode makes a PNG of n×n pixels.
func encode(t *testing.T, n int) string {
	t.Helper()
	rgb := make([]byte, 3*n*n)
	for i := range rgb {
		rgb[i] = byte(i * i / n)
	}
	b, err := infer.Crop{RGB: rgb, Size: n}.PNG()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var ample = Limits{
	Body: 1 << 20, Bodies: 16 << 20, Decoded: 1 << 30, Timeout: 10 * time.Second, Concurrency: 4, Queue: 8, Connections: 100, Top: 2,
}

// answer is the JSON of an answer.
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

func TestAnswers(t *testing.T) {
	s, hs := newTestServer(t, ample, Guard{})
	const file = "../testdata/dots.jpg"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	picture := string(text)
	want, err := s.ensemble.Classify(t.Context(), file, 2)
	if err != nil {
		t.Fatal(err)
	}
	a := post(t, hs.URL+"/predict", "application/octet-stream", strings.NewReader(picture))
	if a.status != 200 || len(a.Guesses) != 2 || a.Guesses[0].Class != want[0].Class || math.Abs(a.Guesses[0].Probability-want[0].Probability) > 1e-6 {
		t.Errorf("answer %+v, Classify says %+v", a, want)
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
	b := post(t, hs.URL+"/predict?top=1", m.FormDataContentType(), bytes.NewReader(form.Bytes()))
	if b.status != 200 || len(b.Guesses) != 1 || b.Guesses[0] != a.Guesses[0] {
		t.Errorf("answer to a form %+v", b)
	}
	// More guesses than classes: no memory for those that aren't there.
	if all := post(t, hs.URL+"/predict?top=9223372036854775807", m.FormDataContentType(), bytes.NewReader(form.Bytes())); all.status != 200 || len(all.Guesses) < 2 {
		t.Errorf("answer with all guesses %+v", all)
	}
	if get(t, hs.URL+"/healthz") != "ok\n" {
		t.Error("not healthy")
	}
	metrics := get(t, hs.URL+"/metrics")
	for _, want := range []string{"alexnet_requests_total{code=\"200\"} 3\n", "alexnet_requests_in_work 0\n", "alexnet_request_seconds_bucket{le=\"+Inf\"} 3\n", "alexnet_request_seconds_count 3\n"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %q in\n%s", want, metrics)
		}
	}
}

func TestRefuses(t *testing.T) {
	_, hs := newTestServer(t, ample, Guard{})
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	m.WriteField("other", "x")
	m.Close()
	var two bytes.Buffer
	twice := multipart.NewWriter(&two)
	twice.WriteField("image", "x")
	twice.WriteField("image", "y")
	twice.Close()
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
		{400, "top is there 2 times", "?top=1&top=3", "image/png", []byte("x")},
		{400, "more than one field \"image\"", "", twice.FormDataContentType(), two.Bytes()},
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
	for path, status := range map[string]int{"/predict": 405, "/no": 404, "/predict/x": 404, "//predict": 404} {
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

func TestBusyAndLate(t *testing.T) {
	limits := ample
	limits.Concurrency, limits.Queue, limits.Timeout = 1, 0, 200*time.Millisecond
	s, hs := newTestServer(t, limits, Guard{})
	picture := encode(t, 20)
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

// TestShare: bad limits are typed errors, in the words of settings.
func TestShare(t *testing.T) {
	good := Limits{Timeout: time.Second, Connections: 1, Top: 1}
	if err := good.Share(1, 100); err != nil || good.Body != 1e6 || good.Bodies+good.Decoded != 100e6 || good.Concurrency == 0 {
		t.Errorf("%+v, %v", good, err)
	}
	for want, l := range map[string]Limits{
		"timeout 0s":                      {Connections: 1, Top: 1},
		"connections 0":                   {Timeout: 1, Top: 1},
		"top 0":                           {Timeout: 1, Connections: 1},
		"queue -1":                        {Timeout: 1, Connections: 1, Top: 1, Queue: -1},
		"concurrency 9223372036854775807": {Timeout: 1, Connections: 1, Top: 1, Concurrency: math.MaxInt},
	} {
		if err := l.Share(1, 100); !setting.Invalid(err) || err.Error() != want+": want a positive number, at most 2147483647" {
			t.Errorf("%+v: %v, want %s", l, err, want)
		}
	}
	for _, megabytes := range []float64{0, -1, math.NaN(), math.Inf(1), 1e10} {
		if l := good; !setting.Invalid(l.Share(megabytes, 100)) || !setting.Invalid(l.Share(1, megabytes)) {
			t.Errorf("%v MB are taken", megabytes)
		}
	}
	if l := good; l.Share(20, 100) == nil {
		t.Error("a quarter of 100 MB holds two requests of 20 MB")
	}
}

// TestExposure: who can reach the server, and who sees what is sent.
func TestExposure(t *testing.T) {
	token := []byte("0123456789abcdef")
	for _, c := range []struct {
		guard  Guard
		secure bool
		want   string
	}{
		{Guard{Local: true}, false, ""},
		{Guard{}, true, "anyone who can may ask"},
		{Guard{Token: token}, false, "without TLS: the network between sees the token"},
		{Guard{Token: token}, true, ""},
	} {
		if got := c.guard.Exposure(c.secure).String(); !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%+v, %v: %q, want %q", c.guard, c.secure, got, c.want)
		}
	}
}
