//go:build linux

package hostile

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bits writes a JPEG scan's entropy-coded bits, with a zero behind every 0xff.
type bits struct {
	out  []byte
	acc  uint32
	held int
}

func (b *bits) put(value uint32, n int) {
	for n--; n >= 0; n-- {
		b.acc = b.acc<<1 | value>>n&1
		if b.held++; b.held == 8 {
			b.out = append(b.out, byte(b.acc))
			if byte(b.acc) == 0xff {
				b.out = append(b.out, 0)
			}
			b.acc, b.held = 0, 0
		}
	}
}

func (b *bits) flush() []byte {
	for b.held > 0 {
		b.put(1, 1)
	}
	return b.out
}

// segment is a JPEG marker and its body.
func segment(marker byte, body ...byte) []byte {
	return append([]byte{0xff, marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)}, body...)
}

// scanBomb is a grey progressive JPEG of side×side pixels, one scan of their means and
// then so many of nothing: each takes a few bytes, and a walk through all blocks.
func scanBomb(side, scans int) []byte {
	b := []byte{0xff, 0xd8}
	b = append(b, segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)...)
	b = append(b, segment(0xc2, 8, byte(side>>8), byte(side), byte(side>>8), byte(side), 1, 1, 0x11, 0)...)
	one := append([]byte{1}, make([]byte, 15)...)                                  // one code, of one bit
	b = append(b, segment(0xc4, append(append([]byte{0x00}, one...), 0)...)...)    // DC: no difference
	b = append(b, segment(0xc4, append(append([]byte{0x10}, one...), 0xe0)...)...) // AC: the end of 16,384 blocks and more
	blocks := (side + 7) / 8 * ((side + 7) / 8)
	b = append(b, segment(0xda, 1, 1, 0, 0, 0, 0)...)
	dc := new(bits)
	for range blocks {
		dc.put(0, 1)
	}
	b = append(b, dc.flush()...)
	for range scans {
		b = append(b, segment(0xda, 1, 1, 0, 1, 63, 0)...)
		ac := new(bits)
		for left := blocks; left > 0; left -= 1<<15 - 1 {
			ac.put(0, 1)
			ac.put(1<<14-1, 14)
		}
		b = append(b, ac.flush()...)
	}
	return append(b, 0xff, 0xd9)
}

// pngBomb is a PNG of side×side pixels of 16-bit RGBA, all zero.
func pngBomb(t testing.TB, side int) []byte {
	t.Helper()
	b := bytes.NewBufferString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, body []byte) {
		binary.Write(b, binary.BigEndian, uint32(len(body)))
		at := b.Len()
		b.WriteString(kind)
		b.Write(body)
		binary.Write(b, binary.BigEndian, crc32.ChecksumIEEE(b.Bytes()[at:]))
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(side))
	head = binary.BigEndian.AppendUint32(head, uint32(side))
	chunk("IHDR", append(head, 16, 6, 0, 0, 0))
	var data bytes.Buffer
	z, err := zlib.NewWriterLevel(&data, zlib.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	row := make([]byte, 1+8*side)
	for range side {
		z.Write(row)
	}
	z.Close()
	chunk("IDAT", data.Bytes())
	chunk("IEND", nil)
	return b.Bytes()
}

// header are files that announce much and hold nothing.
func headers() map[string][]byte {
	big := binary.LittleEndian.AppendUint32
	bmp := append([]byte("BM"), make([]byte, 8)...)
	bmp = big(big(big(big(bmp, 54), 40), 1<<30), 1<<30)
	bmp = append(bmp, 1, 0, 24, 0)
	bmp = append(bmp, make([]byte, 24)...)
	entry := func(tag, kind uint16, count, value uint32) []byte {
		b := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, tag), kind)
		return big(big(b, count), value)
	}
	var tiff []byte
	tiff = append(append(tiff, "II*\x00\x08\x00\x00\x00"...), 9, 0)
	for _, e := range [][4]uint32{{256, 4, 1, 60000}, {257, 4, 1, 60000}, {258, 3, 1, 8}, {259, 3, 1, 1}, {262, 3, 1, 1}, {273, 4, 1 << 30, 8}, {277, 3, 1, 1}, {278, 4, 1, 60000}, {279, 4, 1 << 30, 8}} {
		tiff = append(tiff, entry(uint16(e[0]), uint16(e[1]), e[2], e[3])...)
	}
	return map[string][]byte{
		"screen.gif":    []byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02L\x01\x00;"),
		"huge.bmp":      bmp,
		"huge.tif":      append(tiff, 0, 0, 0, 0),
		"lossless.webp": []byte("RIFF\x20\x00\x00\x00WEBPVP8L\x14\x00\x00\x00\x2f\xff\xff\xff\x0f\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
	}
}

// bombs writes them into a class folder of a new source, beside a good picture.
func bombs(t *testing.T, w *world) (dir string, names []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "in")
	class := filepath.Join(dir, "bombs")
	if err := os.MkdirAll(class, 0o777); err != nil {
		t.Fatal(err)
	}
	all := headers()
	all["scans-500.jpg"] = scanBomb(7000, 500)
	all["scans-30.jpg"] = scanBomb(7000, 30)
	all["deep.png"] = pngBomb(t, 7000)
	good, err := os.ReadFile(w.picture)
	if err != nil {
		t.Fatal(err)
	}
	all["good.jpg"] = good
	for name, data := range all {
		if err := os.WriteFile(filepath.Join(class, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.Join(class, name))
	}
	return dir, names
}

// Bombs take no command long, nor much memory, nor past a signal.
func TestBombs(t *testing.T) {
	w := newWorld(t)
	dir, names := bombs(t, w)
	check := func(what string, o outcome) {
		t.Helper()
		o.calm(t, what)
		t.Logf("%s: exit code %d after %.1f s, %d MB", what, o.code, o.took.Seconds(), o.peak>>20)
		if o.peak > 2<<30 {
			t.Errorf("%s takes %d MB", what, o.peak>>20)
		}
	}
	// Decoding what is within the limits may take its time: pictures of 200 megapixels
	// and 20 scans are allowed where people choose the files themselves.
	out := filepath.Join(t.TempDir(), "out")
	o := finish(t, command("prep-imagenet", "shard", "--in", dir, "--split", "val", "--size", "64", "--out", out), time.Minute)
	check("shard", o)
	report, err := os.ReadFile(filepath.Join(out, "report.jsonl"))
	if err != nil || o.code != 3 || !strings.Contains(string(report), "scans-500.jpg") {
		t.Errorf("shard: exit code %d, %v\n%s\n%s", o.code, err, report, o.text)
	}
	o = finish(t, command("train-alexnet", append([]string{"predict", "--checkpoint", w.checkpoint}, names...)...), time.Minute)
	check("predict", o)
	if o.code != 3 || !strings.Contains(o.text, "scans-500.jpg") {
		t.Errorf("predict: exit code %d\n%s", o.code, o.text)
	}
}

// A signal ends a command that decodes a slow picture.
func TestSignalWhileDecoding(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "in", "slow")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	deep, scans := pngBomb(t, 14000), scanBomb(13000, 22) // seconds each, and within shard's limits
	for i := range 4 {
		for name, data := range map[string][]byte{"deep%d.png": deep, "scans%d.jpg": scans} {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf(name, i)), data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	for what, c := range map[string][]string{
		"shard":    {"prep-imagenet", "shard", "--in", filepath.Dir(dir), "--size", "64", "--out", filepath.Join(t.TempDir(), "out")},
		"predict":  {"train-alexnet", "predict", "--checkpoint", w.checkpoint, dir},
		"features": {"train-alexnet", "features", "--checkpoint", w.checkpoint, "--layer", "fc3", "--out", filepath.Join(t.TempDir(), "out.npy"), dir},
	} {
		const after = 1500 * time.Millisecond
		o := struck(t, command(c[0], c[1:]...), time.Minute, after, syscall.SIGTERM)
		o.calm(t, what)
		t.Logf("%s: exit code %d %.1f s after SIGTERM, %.1f s of processor time in all", what, o.code, (o.took - after).Seconds(), o.cpu.Seconds())
		// By processor time, since other processes may have the processors.
		if o.code != 130 || o.cpu > time.Duration(runtime.NumCPU())*(after+3*time.Second) {
			t.Errorf("%s: exit code %d after %v and %v of processor time\n%s", what, o.code, o.took, o.cpu, o.text)
		}
	}
}
