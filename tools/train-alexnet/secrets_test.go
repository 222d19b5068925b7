package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/train/report"
)

// TestSecrets: no password and no signature of an address is printed or drawn,
// whether the address is well formed or not, and whether it leads anywhere.
func TestSecrets(t *testing.T) {
	w := newWorld(t)
	t.Setenv("ALEXNET_CACHE_DIR", t.TempDir())
	const secret = "s3cr3t"
	check := func(what string, text string) {
		t.Helper()
		if strings.Contains(text, secret) {
			t.Errorf("%s shows the secret:\n%.2000s", what, text)
		}
	}
	for _, address := range []string{
		"https://me:%zz" + secret + "@127.0.0.1:1/x",
		"https://me:a/" + secret + "@127.0.0.1:1/x",
		"https://me:a b" + secret + "@127.0.0.1:1/x",
		"https://me:" + secret + "@127.0.0.1:bad/x?sig=" + secret,
		"https://127.0.0.1:1/x?sig=%zz" + secret + "&" + secret,
		"https://" + secret + "@/x",
		"HTTPS://me:" + secret + "@127.0.0.1:1/%zz",
		"ftp://me:" + secret + "@127.0.0.1/x?" + secret,
		"htps://me:" + secret + "@127.0.0.1/x?sig=" + secret,
		"s3://bucket/x?endpoint=https://me:" + secret + "@%zz",
		"s3://bucket/x?endpoint=" + "me:" + secret + "@:",
	} {
		for _, args := range [][]string{
			{"--train", address, "--run", filepath.Join(w.dir, "run")}, {"eval", "--checkpoint", address, "--data", address},
			{"predict", "--checkpoint", address, address}, {"import", "--safetensors", address, "--checkpoint", "x"}, {"runs", address}, {"report", "--run", address},
		} {
			if args[0] == "eval" && strings.Contains(address, "127.0.0.1:1/") {
				continue // of a server that doesn't answer, the index is asked for four times
			}
			ctx := append([]string{"train-alexnet"}, args...)
			if args[0] == "--train" && strings.Contains(address, "127.0.0.1:1/x?") {
				continue
			}
			r := call(ctx...)
			if r.code == 0 {
				t.Errorf("%q: exit code 0", args)
			}
			check(args[0]+" "+address, r.stdout+r.stderr)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != secret || r.URL.Query().Get("sig") != secret {
			http.Error(rw, "who are you, "+r.URL.String()+"?", http.StatusUnauthorized)
			return
		}
		http.FileServer(http.Dir(w.dir)).ServeHTTP(rw, r)
	}))
	defer server.Close()
	address := func(split string) string {
		return strings.Replace(server.URL, "http://", "http://me:"+secret+"@", 1) + "/" + split + "?sig=" + secret
	}
	run := filepath.Join(w.dir, "remote")
	local := w
	w.train, w.val = address("train"), address("val")
	r := call(w.args(run, "--epochs", "1")...)
	r.must(t, 0)
	check("training", r.stdout+r.stderr)
	for _, form := range []string{"--json", "--top=1"} {
		r = call("train-alexnet", "predict", form, "--checkpoint", run, address("my photo.jpg"), "https://me:"+secret+"@host:bad port/x?sig="+secret)
		r.must(t, 3, "2 of 2 pictures could not be read")
		check("predict "+form, r.stdout+r.stderr)
	}
	check("report.html", read(t, filepath.Join(run, report.PageName)))
	r = call("train-alexnet", "runs", "--json", w.dir)
	check("runs", r.stdout+r.stderr)
	r = call(w.args(filepath.Join(w.dir, "other"), "--batch", "1000")...)
	r.must(t, 2)
	check("a refusal", r.stdout+r.stderr)
	if err := os.WriteFile(filepath.Join(local.train, "index.json"), []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{w.args(filepath.Join(w.dir, "third")), {"train-alexnet", "eval", "--checkpoint", filepath.Join(run, "checkpoints", "best.safetensors"), "--data", strings.Replace(w.val, "?sig", "?s", 1)}} {
		r = call(args...)
		r.must(t, 1)
		check("a broken folder", r.stdout+r.stderr)
	}
}
