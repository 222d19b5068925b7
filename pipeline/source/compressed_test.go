package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// packed returns a tar in every compression that is read, by the ends of names.
func packed(t *testing.T, plain string) map[string]string {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	half := len(plain) / 2
	all := map[string]string{
		".tar":     plain,
		".tar.gz":  gzipped(t, plain),
		".tgz":     gzipped(t, plain[:half]) + gzipped(t, plain[half:]) + strings.Repeat("\x00", 1000), // as pigz and tapes make it
		".TAR.GZ":  gzipped(t, plain),
		".tar.zst": string(z.EncodeAll([]byte(plain), nil)),
		".tzst":    string(z.EncodeAll([]byte(plain[:half]), nil)) + string(z.EncodeAll([]byte(plain[half:]), nil)),
	}
	if _, err := exec.LookPath("bzip2"); err == nil {
		cmd := exec.CommandContext(t.Context(), "bzip2", "-c")
		cmd.Stdin = strings.NewReader(plain)
		if out, err := cmd.Output(); err == nil {
			all[".tar.bz2"] = string(out)
		}
	}
	return all
}

// TestCompressedTars: every layout of tars reads them compressed as it reads them
// plain, and leaves nothing in the folder for temporary files.
func TestCompressedTars(t *testing.T) {
	spool := t.TempDir()
	train := Options{Spool: spool}
	toVal := Options{Spool: spool, Split: "val"}
	p := func(label int) string { return picture(t, label) }
	samples := tarOf(t, file{"a.jpg", p(1)}, file{"a.cls", "1"}, file{"b.jpg", p(0)}, file{"b.cls", "0"})
	classes := tarOf(t, file{"set/LICENSE", "…"}, file{"set/train/n01440764/1.jpg", p(0)}, file{"set/train/n02102040/1.jpg", p(1)},
		file{"set/val/n01440764/2.jpg", p(0)}, file{"set/val/n02102040/2.jpg", p(1)})
	kit := devkitArchive(t)
	one := func(f ...file) string { return filepath.Join(folder(t, f...), f[0].name) }
	for end, data := range packed(t, tarOf(t, trainTars(t)...)) {
		archive := file{"ILSVRC2012_img_train" + strings.ToLower(end), data}
		checkSource(t, one(archive, kit), "ilsvrc", train, kitClasses, trainWant())
		checkSource(t, folder(t, archive, kit), "ilsvrc", train, kitClasses, trainWant())
	}
	for end, data := range packed(t, tarOf(t, valPictures(t, true)...)) {
		checkSource(t, one(file{"v" + end, data}), "ilsvrc", toVal, without(kitClasses), valWant(true))
	}
	for end, data := range packed(t, samples) {
		checkSource(t, one(file{"x" + end, data}), "webdataset", train, named("0", "1"), []string{"0 x" + end + "/b.jpg", "1 x" + end + "/a.jpg"})
		checkSource(t, folder(t, file{"x" + end, data}, file{"y.tar", samples}), "webdataset", train, named("0", "1"),
			[]string{"0 x" + end + "/b.jpg", "0 y.tar/b.jpg", "1 x" + end + "/a.jpg", "1 y.tar/a.jpg"})
	}
	for end, data := range packed(t, classes) {
		checkSource(t, one(file{"x" + end, data}), "folders", train, without(kitClasses[:2]), []string{"0 n01440764/1.jpg", "1 n02102040/1.jpg"})
		checkSource(t, one(file{"x" + end, data}), "folders", toVal, without(kitClasses[:2]), []string{"0 n01440764/2.jpg", "1 n02102040/2.jpg"})
	}
	var perClass []file
	for i, f := range trainTars(t) {
		for end, data := range packed(t, f.data) {
			if end != strings.ToLower(end) || end == ".tzst" {
				continue
			}
			if perClass = append(perClass, file{strings.TrimSuffix(f.name, ".tar") + end, data}); len(perClass) > i {
				break
			}
		}
	}
	checkSource(t, folder(t, perClass...), "ilsvrc", train, without(kitClasses), trainWant())
	if left, err := os.ReadDir(spool); err != nil || len(left) > 0 {
		t.Errorf("left in the spool: %v, %v", left, err)
	}
}

func TestCompressedTarErrors(t *testing.T) {
	samples := tarOf(t, file{"a.jpg", strings.Repeat("…", 5000)}, file{"a.cls", "1"})
	packed := packed(t, samples)
	damaged := []byte(packed[".tar.gz"])
	damaged[len(damaged)-6] ^= 1 // in the checksum
	z, err := zstd.NewWriter(nil, zstd.WithWindowSize(1<<28))
	if err != nil {
		t.Fatal(err)
	}
	var wide bytes.Buffer
	z.Reset(&wide)
	io.WriteString(z, samples)
	z.Flush()
	io.WriteString(z, samples)
	z.Close()
	for _, c := range []struct{ name, data, want string }{
		{"x.tar.gz", packed[".tar.gz"][:len(packed[".tar.gz"])-20], "x.tar.gz: is cut short: the copy isn't complete, fetch it again"},
		{"x.tar.zst", packed[".tar.zst"][:len(packed[".tar.zst"])-20], "x.tar.zst: is cut short"},
		{"x.tgz", string(damaged), "x.tgz: can't be unpacked: gzip: invalid checksum: the copy is damaged"},
		{"x.tgz", packed[".tar.gz"] + "text", "something that isn't gzip follows"},
		{"x.tar.zst", wide.String(), "needs more than 128 MiB of memory to unpack: unpack it first (zstd -d --long=31)"},
		{"x.tar.gz", gzipped(t, "text"), "x.tar.gz: "},
		{"x.tar.xz", "\xfd7zXZ\x00" + strings.Repeat("x", 600), "x.tar.xz: isn't a tar but an xz file: unpack it with xz -d"},
		{"x.tar", "PAR1" + strings.Repeat("x", 600), "isn't a tar but a Parquet table"},
	} {
		checkOpenError(t, filepath.Join(folder(t, file{c.name, c.data}), c.name), Options{Layout: "webdataset"}, c.want)
	}
	p := filepath.Join(folder(t, file{"x.tgz", packed[".tgz"]}), "x.tgz")
	checkOpenError(t, p, Options{Spool: filepath.Join(filepath.Dir(p), "none")}, "make a temporary file for unpacked archives in")
	if _, err := os.Stat("/dev/full"); err == nil {
		f, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
		if err != nil {
			t.Skip(err)
		}
		defer f.Close()
		from, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		defer from.Close()
		_, _, err = (&spool{dir: "somewhere", file: f}).unpack(t.Context(), from, compressionOf(from))
		if err == nil || !strings.Contains(err.Error(), "unpack it to a temporary file in somewhere: no space left on device, after 0 bytes: choose a folder with more room") {
			t.Errorf("full disk: %v", err)
		}
	}
}

// TestUnpackBounds: an archive that unpacks to hundreds of times its size is
// refused, and unpacking ends with its context.
func TestUnpackBounds(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks a gigabyte")
	}
	endless := compression{open: func(r io.Reader) (io.Reader, func(), error) {
		io.Copy(io.Discard, r)
		return zeros{}, func() {}, nil
	}}
	from, err := os.Open(filepath.Join(folder(t, file{"x.tgz", "small"}), "x.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	s := &spool{file: null}
	if _, _, err := s.unpack(t.Context(), from, &endless); err == nil || !strings.Contains(err.Error(), "x.tgz: unpacks to more than 200 times its size") {
		t.Errorf("a bomb: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.unpack(ctx, from, &endless); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
