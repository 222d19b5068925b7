package source

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// scan lists a tar.
func scan(t *testing.T, data string) (string, error) {
	var b strings.Builder
	err := eachMember(t.Context(), "x.tar", strings.NewReader(data), int64(len(data)), new(notes), func(m member) error {
		fmt.Fprintf(&b, "%s=%s ", m.name, data[m.offset:m.offset+m.size])
		return nil
	})
	return strings.TrimSpace(b.String()), err
}

// tarWith makes a tar of one header, with "text" for its contents.
func tarWith(t *testing.T, h tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if h.Typeflag == tar.TypeReg {
		h.Size = 4
	}
	if err := w.WriteHeader(&h); err != nil {
		t.Fatal(err)
	}
	if h.Typeflag == tar.TypeReg {
		w.Write([]byte("text"))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// patched returns data with other bytes at an offset in its first header, whose
// checksum it corrects.
func patched(data string, offset int, with string) string {
	b := []byte(data)
	copy(b[offset:], with)
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b[:tarBlock] {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return string(b)
}

func TestEachMember(t *testing.T) {
	long := strings.Repeat("long/", 60) + "x"
	cases := []struct{ name, data, want string }{
		{"nothing", tarOf(t), ""},
		{"folders and junk", tarOf(t, file{"d/", ""}, file{"./d/a", "1"}, file{"d/._a", "…"}, file{".DS_Store", "…"}, file{"b", ""}), "d/a=1 b="},
		{"a whole block", tarOf(t, file{"a", strings.Repeat("x", 512)}, file{"b", "2"}), "a=" + strings.Repeat("x", 512) + " b=2"},
		{"PAX name", tarWith(t, tar.Header{Typeflag: tar.TypeReg, Name: long, Format: tar.FormatPAX}), long + "=text"},
		{"GNU name", tarWith(t, tar.Header{Typeflag: tar.TypeReg, Name: long, Format: tar.FormatGNU}), long + "=text"},
		{"global header", tarWith(t, tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}), ""},
		{"a folder with a size", patched(tarOf(t, file{"d/", ""}, file{"d/a", "1"}), 124, "00000777777"), "d/a=1"},
		{"joined by cat", tarOf(t, file{"a", "1"}) + tarOf(t, file{"b", "2"}) + tarOf(t) + tarOf(t, file{"c", "3"}), "a=1 b=2 c=3"},
		{"joined after one zero block", strings.TrimSuffix(tarOf(t, file{"a", "1"}), strings.Repeat("\x00", 512)) + tarOf(t, file{"b", "2"}), "a=1 b=2"},
		{"joined, a record's zeros between", tarOf(t, file{"a", "1"}) + strings.Repeat("\x00", 300*512) + tarOf(t, file{"b", "2"}), "a=1 b=2"},
		{"a hidden folder", tarOf(t, file{"__MACOSX/a", "…"}, file{"d/.x/b", "…"}, file{"c", "3"}), "c=3"},
		{"a name that isn't UTF-8", tarOf(t, file{"caf\xe9", "1"}, file{"caf\xe8", "2"}), `caf\xe9=1 caf\xe8=2`},
		{"one zero block at the end", strings.TrimSuffix(tarOf(t, file{"a", "1"}), strings.Repeat("\x00", 512)), "a=1"},
	}
	for _, c := range cases {
		if got, err := scan(t, c.data); got != c.want || err != nil {
			t.Errorf("%s: got %s, %v; want %s", c.name, got, err, c.want)
		}
	}
}

func TestEachMemberErrors(t *testing.T) {
	two := tarOf(t, file{"a", "1"}, file{"b", "2"})
	damaged := []byte(two)
	damaged[1024+3] ^= 1
	cases := []struct{ name, data, want string }{
		{"in the second header", two[:1024+100], "x.tar: the tar is cut short after a (1 members)"},
		{"in the second payload", two[:1024+512], "the tar is cut short in b (1 members before it)"},
		{"before the end mark", two[:2048], "cut short after b (2 members)"},
		{"in the padding", two[:2048-1], "cut short after b (2 members)"},
		{"a damaged header", string(damaged), "the tar is damaged after a (1 members)"},
		{"a symbolic link", tarWith(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "b"}), "member a is a link to b"},
		{"a hard link", tarWith(t, tar.Header{Typeflag: tar.TypeLink, Name: "a", Linkname: "b"}), "member a is a hard link to b"},
		{"a device", tarWith(t, tar.Header{Typeflag: tar.TypeChar, Name: "a\x1b"}), `member "a\x1b" is a device: make the tar again of plain files`},
		{"a named pipe", tarWith(t, tar.Header{Typeflag: tar.TypeFifo, Name: "a"}), "member a is a named pipe"},
		{"something behind the end", two + "text", "behind the end of the tar, after b (2 members), lies something that isn't a tar, at byte 3072: copy the archive again, or cut the rest off (truncate -s 3072)"},
		{"something behind zeros", two + strings.Repeat("\x00", 200000) + strings.Repeat("x", 512), "isn't a tar, at byte 202752"},
		{"half a tar behind the end", two + two[:1024+100], "the tar is cut short after a (3 members)"},
		{"a tar behind a wrong block", two + strings.Repeat("x", 512) + two, "lies something that isn't a tar"},
		{"xz", "\xfd7zXZ\x00" + strings.Repeat("x", 600), "x.tar: isn't a tar but an xz file: unpack it with xz -d"},
		{"ZIP", "PK\x03\x04" + strings.Repeat("x", 600), "isn't a tar but a ZIP archive: unpack it with unzip"},
		{"a sparse file", patched(tarWith(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Format: tar.FormatGNU}), 156, "S"), "member a is stored as a sparse file"},
		{"an absolute name", tarWith(t, tar.Header{Typeflag: tar.TypeReg, Name: "/etc/a"}), "member /etc/a leads out"},
		{"a way out", tarWith(t, tar.Header{Typeflag: tar.TypeReg, Name: "a/../../b"}), "member a/../../b leads out"},
	}
	for _, c := range cases {
		if _, err := scan(t, c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want …%s…", c.name, err, c.want)
		}
	}
}
