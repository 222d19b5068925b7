package remote

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"alexnet/pipeline/mds"
)

// noCredentials keeps those of whoever runs the tests out of them.
func noCredentials(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(home, "none"), "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": "", "AWS_ACCESS_KEY": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SECRET_KEY": "", "AWS_PROFILE": "",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "",
		"GOOGLE_APPLICATION_CREDENTIALS": "", "STORAGE_EMULATOR_HOST": "",
	} {
		t.Setenv(name, value)
	}
}

// TestS3 reads from a server that speaks S3's protocol, whose bucket was filled
// through that protocol.
func TestS3(t *testing.T) {
	noCredentials(t)
	backend := s3mem.New()
	fake := gofakes3.New(backend).Server()
	signed := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), "Credential=me/") && strings.Contains(r.Header.Get("Authorization"), "/eu-north-1/s3/") {
			signed++
		}
		fake.ServeHTTP(w, r)
	}))
	defer s.Close()
	if err := backend.CreateBucket("pictures"); err != nil {
		t.Fatal(err)
	}
	origin, x := writeShards(t, 4, mds.WriterConfig{Compression: "zstd:1", Hashes: []string{"sha1", "xxh64"}})
	put(t, s.URL+"/pictures/imagenet/train/", origin)

	t.Run("public", func(t *testing.T) {
		f := open(t, "s3://pictures/imagenet/train?endpoint="+s.URL, config(t))
		if f.Location() != "s3://pictures/imagenet/train" {
			t.Errorf("location %s", f.Location())
		}
		for i := range x.Shards {
			compare(t, f, origin, &x.Shards[i])
		}
		if signed > 0 {
			t.Error("requests were signed without credentials")
		}
	})
	t.Run("environment", func(t *testing.T) {
		t.Setenv("AWS_ENDPOINT_URL_S3", s.URL)
		t.Setenv("AWS_REGION", "eu-north-1")
		t.Setenv("AWS_ACCESS_KEY_ID", "me")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
		f := open(t, "s3://pictures/imagenet/train/", config(t))
		compare(t, f, origin, &x.Shards[0])
		if signed < 2 {
			t.Errorf("%d signed requests, want those of an index and a shard", signed)
		}
	})
	t.Run("missing", func(t *testing.T) {
		for _, url := range []string{"s3://pictures/nowhere", "s3://elsewhere/train"} {
			_, err := Open(t.Context(), url+"?endpoint="+s.URL, config(t))
			if err == nil || !strings.Contains(err.Error(), url+"/index.json") || !strings.Contains(err.Error(), "check the address") {
				t.Errorf("%s: error %v", url, err)
			}
		}
	})
}

// TestS3CutsOff: ranges work through the library too.
func TestS3CutsOff(t *testing.T) {
	noCredentials(t)
	backend := s3mem.New()
	fake := gofakes3.New(backend).Server()
	origin, x := writeShards(t, 1, mds.WriterConfig{Hashes: []string{"sha1"}})
	size, cut := x.Shards[0].RawData.Bytes, 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".mds") && r.Header.Get("Range") == "" {
			cut++
			w.Header().Set("Content-Length", fmt.Sprint(size))
			w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
			object, err := backend.GetObject("pictures", "shard.00000.mds", nil)
			if err != nil {
				t.Error(err)
				return
			}
			half := make([]byte, 4096)
			object.Contents.Read(half)
			w.Write(half)
			return
		}
		fake.ServeHTTP(w, r)
	}))
	defer s.Close()
	if err := backend.CreateBucket("pictures"); err != nil {
		t.Fatal(err)
	}
	put(t, s.URL+"/pictures/", origin)
	f := open(t, "s3://pictures?endpoint="+s.URL, config(t))
	compare(t, f, origin, &x.Shards[0])
	if cut != 1 {
		t.Errorf("%d requests for the whole shard, want one", cut)
	}
}

// put uploads the files of a folder.
func put(t *testing.T, base, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := os.Open(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodPut, base+file.Name(), f)
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = info.Size()
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("put %s: %s", file.Name(), answer.Status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestGS reads from a server at whose place Google's libraries would look for an
// emulator, without credentials and with a service account's.
func TestGS(t *testing.T) {
	noCredentials(t)
	origin, x := writeShards(t, 2, mds.WriterConfig{Hashes: []string{"sha1"}})
	var authorized []string
	files := http.StripPrefix("/pictures/train", http.FileServer(http.Dir(origin)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(map[string]any{"access_token": "ticket", "token_type": "Bearer", "expires_in": 3600})
			return
		}
		authorized = append(authorized, r.Header.Get("Authorization"))
		files.ServeHTTP(w, r)
	}))
	defer s.Close()
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(s.URL, "http://"))
	// The service that Google's library would ask for credentials. Its question,
	// which it gives up on early, may leave a connection open behind it.
	metadata := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the metadata service is asked for %s", r.URL)
	}))
	defer metadata.Close()
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(metadata.URL, "http://"))

	f := open(t, "gs://pictures/train", config(t))
	if f.Location() != "gs://pictures/train" {
		t.Errorf("location %s", f.Location())
	}
	for i := range x.Shards {
		compare(t, f, origin, &x.Shards[i])
	}

	if _, err := Open(t.Context(), "gs://pictures/nowhere", config(t)); err == nil || !strings.Contains(err.Error(), "gs://pictures/nowhere/index.json") {
		t.Errorf("error %v", err)
	}
	for _, a := range authorized {
		if a != "" {
			t.Errorf("Authorization %q without credentials", a)
		}
	}

	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "me@example.org", "token_uri": s.URL + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	})
	if err != nil {
		t.Fatal(err)
	}
	account := filepath.Join(t.TempDir(), "account.json")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", account)
	if _, err := Open(t.Context(), "gs://pictures/train", config(t)); err == nil || !strings.Contains(err.Error(), account) {
		t.Errorf("error %v without the file of credentials", err)
	}
	if err := os.WriteFile(account, text, 0o600); err != nil {
		t.Fatal(err)
	}
	authorized = nil
	open(t, "gs://pictures/train", config(t))
	if len(authorized) != 1 || authorized[0] != "Bearer ticket" {
		t.Errorf("Authorization %q, want that of the account", authorized)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestWeb sends what the address holds besides the path with every request, and
// shows none of it.
func TestWeb(t *testing.T) {
	origin, x := writeShards(t, 2, mds.WriterConfig{Hashes: []string{"sha1"}})
	s := serve(t, origin, func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
		user, password, _ := r.BasicAuth()
		if user != "me" || password != "pass" || r.URL.Query().Get("sig") != "a/b" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return true
		}
		return false
	})
	address := strings.Replace(s.URL, "http://", "http://me:pass@", 1) + "/set?sig=a%2Fb"
	f := open(t, address, config(t))
	for i := range x.Shards {
		compare(t, f, origin, &x.Shards[i])
	}
	if strings.Contains(f.Location(), "pass") || strings.Contains(f.Location(), "a%2Fb") {
		t.Errorf("location %s", f.Location())
	}
	_, err := Open(t.Context(), strings.Replace(address, "pass", "secret", 1), config(t))
	if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "a%2Fb") || !strings.Contains(err.Error(), "check the credentials") {
		t.Errorf("error %v", err)
	}
}
