package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"alexnet/engine/infer"
)

// answer is what /predict says.
type answer struct {
	status  int
	Guesses []infer.Guess
	Error   string
}

func post(t *testing.T, url, kind string, body io.Reader) answer {
	t.Helper()
	r, err := http.Post(url, kind, body)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	a := answer{status: r.StatusCode}
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

// serveListens runs the command itself on a real port, in bf16, until Ctrl-C.
func serveListens(t *testing.T, w trained) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	in, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"train-alexnet", "serve", "--checkpoint", w.checkpoint, "--size", "20", "--addr", "127.0.0.1:0", "--precision", "bf16", "--kernels", narrowKernels()}, io.Discard, out)
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
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Ctrl-C didn't end it")
	}
	if text := <-rest; !strings.Contains(text, "stopped after it answered 1 request\n") {
		t.Errorf("said %q", text)
	}
	if _, err := net.DialTimeout("tcp", address, time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("still there: %v", err)
	}
	for _, flags := range []string{"--timeout 0s", "--max-body 0", "--concurrency -1", "--top 0", "--memory 0", "--memory NaN", "--queue -1", "--connections 0"} {
		args := append([]string{"train-alexnet", "serve", "--checkpoint", w.checkpoint}, strings.Fields(flags)...)
		call(args...).must(t, 2, fmt.Sprintf("%s: want a positive number", flags))
	}
	call("train-alexnet", "serve", "--checkpoint", w.checkpoint, "--max-megapixels", "0").must(t, 2, "--max-megapixels 0: want a number above 0")
	call("train-alexnet", "serve", "--checkpoint", w.checkpoint, "--addr", "nowhere").must(t, 1, "--addr")
}

// ask sends a request for health or predictions with one header.
func ask(t *testing.T, client *http.Client, method, url, host, header, value string) int {
	t.Helper()
	q, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Host = host
	if header != "" {
		q.Header.Set(header, value)
	}
	r, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return r.StatusCode
}

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key, pool = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return cert, key, pool
}

// The command listens for other machines with a token, and over HTTPS, or not at all.
func serveWide(t *testing.T, w trained) {
	cert, key, pool := selfSigned(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	in, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"train-alexnet", "serve", "--checkpoint", w.checkpoint, "--addr", "0.0.0.0:0", "--token-file", token, "--tls-cert", cert, "--tls-key", key}, io.Discard, out)
		out.Close()
		done <- err
	}()
	lines := bufio.NewReader(in)
	head, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, lines)
	port := regexp.MustCompile(`serving https://.*:(\d+)/`).FindStringSubmatch(head)
	if port == nil {
		t.Fatalf("said %q", head)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	url := "https://127.0.0.1:" + port[1] + "/predict"
	for value, want := range map[string]int{"Bearer 0123456789abcdef": 400, "Bearer no": 401} {
		if got := ask(t, client, "POST", url, "myhost.example", "Authorization", value); got != want {
			t.Errorf("%s: status %d, want %d", value, got, want)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error("after Ctrl-C:", err)
	}
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for flags, c := range map[string]struct {
		code int
		want string
	}{
		"--addr 0.0.0.0:0":                          {2, "other machines can reach it: give --token-file FILE, or --anyone"},
		"--token-file " + short:                     {1, "a token of 6 characters: want at least 16"},
		"--token-file /dev/zero":                    {1, "is a device, not a regular file"},
		"--tls-cert " + cert:                        {2, "go together"},
		"--tls-cert " + cert + " --tls-key " + cert: {1, "--tls-key"},
		"--max-body 1000":                           {2, "want at least 8001"},
	} {
		args := append([]string{"train-alexnet", "serve", "--checkpoint", w.checkpoint}, strings.Fields(flags)...)
		call(args...).must(t, c.code, c.want)
	}
}
