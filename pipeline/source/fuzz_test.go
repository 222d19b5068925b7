package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzTarIndex indexes any bytes as each of the tar layouts. What it accepts must
// lie inside the file and be readable.
func FuzzTarIndex(f *testing.F) {
	inner := tarOf(f, file{"n01440764_1.JPEG", "…"}, file{"n01440764_2.JPEG", ""})
	train := tarOf(f, file{"n01440764.tar", inner}, file{"n02102040.tar", inner})
	f.Add([]byte(train))
	f.Add([]byte(train[:1024]))
	f.Add([]byte(gzipped(f, train+train)))
	f.Add([]byte(tarOf(f, file{"set/a/1.jpg", "…"}, file{"set/b/1.jpg", "…"}) + tarOf(f, file{"set/b/2.jpg", "…"})))
	f.Add([]byte(tarOf(f, file{"ILSVRC2012_val_00000001_n01440764.JPEG", "…"}, file{"ILSVRC2012_val_00000002_n02102040.JPEG", "…"})))
	f.Add([]byte(tarOf(f, file{"a.jpg", "…"}, file{"a.cls", "0"}, file{"b.json", `{"label":1}`}, file{"b.png", "…"})))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(p, data, 0o666); err != nil {
			t.Fatal(err)
		}
		for _, opts := range []Options{{Layout: "ilsvrc"}, {Layout: "ilsvrc", Split: "val"}, {Layout: "webdataset", Split: "val"}, {Layout: "folders"}} {
			s, err := Open(t.Context(), p, opts)
			if err != nil {
				if !strings.Contains(err.Error(), "x.tar") {
					t.Errorf("%+v: the error doesn't name the file: %v", opts, err)
				}
				continue
			}
			where, size := s.(*tars).where, int64(len(data))
			if spool := s.(*tars).spool; spool != nil {
				size = spool.size
			}
			for i, it := range s.Items() {
				e := where[i]
				if e.offset < 0 || e.size < 0 || e.offset+e.size > size || it.Label >= len(s.Classes()) {
					t.Fatalf("%+v: %v at %+v of %d bytes", opts, it, e, len(data))
				}
				r, err := s.Open(it)
				if err != nil {
					t.Fatal(err)
				}
				r.Close()
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// fuzzRows checks what readRows makes of any bytes.
func fuzzRows(t *testing.T, name, data string) {
	last := 0
	stop := errors.New("stop")
	err := readRows(name, strings.NewReader(data), func(r row) error {
		if r.line <= last || r.line > strings.Count(data, "\n")+strings.Count(data, "\r")+1 {
			t.Fatalf("line %d after %d", r.line, last)
		}
		last = r.line
		if r.path == "stop" {
			return stop
		}
		return nil
	})
	if err != nil && !strings.HasPrefix(err.Error(), name+":") {
		t.Errorf("the error doesn't name the file: %v", err)
	}
	labels := newLabeler(nil)
	for _, text := range strings.Fields(data) {
		if _, err := labels.label(text); (err != nil) != negative(text) {
			t.Errorf("label %q: %v", text, err)
		}
	}
	classes, final, err := labels.classes()
	for _, n := range final {
		if err == nil && (n < 0 || n >= len(classes)) {
			t.Errorf("label %d of %d classes", n, len(classes))
		}
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("a.jpg,0\nb.jpg,1\n", false)
	f.Add("\ufefflabel,path,split\r\nx,\"a \"\"b\"\",c.jpg\",train\r\n", false)
	f.Add("path\tlabel\na.jpg\t1\n\"b\t2\n", true)
	f.Add("stop,1,val\n", false)
	f.Add("\xff\xfea\x00;\x001\x00", false)
	f.Add("a.jpg;1\ncaf\xe9;2\n", false)
	f.Fuzz(func(t *testing.T, data string, tabs bool) {
		name := "m.csv"
		if tabs {
			name = "m.tsv"
		}
		fuzzRows(t, name, data)
	})
}

func FuzzJSONL(f *testing.F) {
	f.Add(`{"path":"a.jpg","label":0}` + "\n" + `{"image":"b.jpg","class":"x","split":"val"}`)
	f.Add("\ufeff{\"path\":\"stop\",\"label\":1e3}\n\n[]\n")
	f.Fuzz(func(t *testing.T, data string) { fuzzRows(t, "m.jsonl", data) })
}

// FuzzSolution feeds Kaggle's labels.
func FuzzSolution(f *testing.F) {
	f.Add("ImageId,PredictionString\nILSVRC2012_val_00000001,n01440764 1 2 3 4 n01440764 5 6 7 8 \n")
	f.Add("a,n02102040\n\"b\"\"\",n01440764\n")
	classes := labelsByID(kitClasses)
	f.Fuzz(func(t *testing.T, data string) {
		labels, err := parseSolution(strings.NewReader(data), classes)
		if err == nil && len(labels) == 0 {
			t.Error("no labels and no error")
		}
		for id, label := range labels {
			if label < 0 || label >= len(kitClasses) {
				t.Errorf("%s has label %d", id, label)
			}
		}
	})
}
