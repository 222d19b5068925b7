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
	err := eachMember(t.Context(), "x.tar", strings.NewReader(data), int64(len(data)), func(m member) error {
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
		{"a symbolic link", tarWith(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "b"}), "member a is a link"},
		{"a hard link", tarWith(t, tar.Header{Typeflag: tar.TypeLink, Name: "a", Linkname: "b"}), "member a is a link"},
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
