package source

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// beside writes a manifest beside pictures pics/<label><letter>.jpg and returns
// its path.
func beside(t *testing.T, name, data string) string {
	t.Helper()
	files := []file{{name, data}}
	for label := range 3 {
		for _, letter := range "ab" {
			files = append(files, file{fmt.Sprintf("pics/%d%c.jpg", label, letter), picture(t, label)})
		}
	}
	return filepath.Join(folder(t, files...), name)
}

// named returns the class list of n01440764, n02102040 and n02979186, whose
// pictures have the shades 0, 1, 2.
func named(ids ...string) []Class {
	var classes []Class
	for _, id := range ids {
		classes = append(classes, Class{ID: id})
	}
	return classes
}

func TestManifest(t *testing.T) {
	all := []string{"0 pics/0a.jpg", "0 pics/0b.jpg", "1 pics/1a.jpg", "2 pics/2a.jpg"}
	numbers := named("0", "1", "2")
	wnids := without(kitClasses[:3])
	cases := []struct {
		name, file, data string
		opts             Options
		classes          []Class
		want             []string
	}{
		{"two columns of numbers", "m.csv", "pics/2a.jpg,2\npics/0b.jpg,0\npics/0a.jpg, 0\r\npics/1a.jpg,01\n", Options{}, numbers, all},
		{"numbers written as floats", "m.csv", "pics/2a.jpg,2.0\npics/0b.jpg,0\npics/0a.jpg,0.0\npics/1a.jpg,1e0\n", Options{}, numbers, all},
		{"names are sorted", "m.csv", "pics/2a.jpg,n02979186\npics/0b.jpg,n01440764\npics/0a.jpg,n01440764\npics/1a.jpg,n02102040\n", Options{}, wnids, all},
		{"byte order mark, header, quotes, more columns", "m.CSV", "\ufeffwidth,Label,File_Name\n10,n02979186,pics/2a.jpg\n1,n01440764,\"pics/0b.jpg\"\n1,n01440764,./pics/0a.jpg\n9,n02102040,pics/../pics/1a.jpg\n", Options{}, wnids, all},
		{"tabs", "m.tsv", "path\tlabel\npics/2a.jpg\t2\npics/0b.jpg\t0\npics/0a.jpg\t0\npics/1a.jpg\t1\n", Options{}, numbers, all},
		{"a split column", "m.csv", "pics/0a.jpg,0,train\npics/0b.jpg,0,val\npics/1a.jpg,1,Training\npics/2a.jpg,2,train\npics/1b.jpg,1,test\n", Options{}, numbers, []string{all[0], all[2], all[3]}},
		{"val lacks a class, labels stay", "m.csv", "pics/0a.jpg,n01440764,train\npics/1a.jpg,n02102040,train\npics/2a.jpg,n02979186,train\npics/2b.jpg,n02979186,validation\n", val, wnids, []string{"2 pics/2b.jpg"}},
		{"objects", "m.jsonl", `{"path":"pics/2a.jpg","label":2}` + "\n\n" + `{"label":0,"image":"pics/0b.jpg","caption":"x"}` + "\n" + `{"path":"pics/0a.jpg","label":"0"}` + "\n" + `{"path":"pics/1a.jpg","label":1}`, Options{}, numbers, all},
		{"objects with split", "m.ndjson", `{"path":"pics/2a.jpg","label":0,"split":"train"}` + "\n" + `{"path":"pics/0b.jpg","label":0,"split":"valid"}`, val, numbers[:1], []string{"0 pics/0b.jpg"}},
		{"class list of other numbers", "m.csv", "pics/0a.jpg,1\npics/2a.jpg,3\n", Options{Classes: named("1", "2", "3")}, named("1", "2", "3"), []string{"0 pics/0a.jpg", "2 pics/2a.jpg"}},
		{"class list with numbers for labels", "m.csv", "pics/1a.jpg,0\npics/0a.jpg,1\n", Options{Classes: []Class{kitClasses[1], kitClasses[0]}}, []Class{kitClasses[1], kitClasses[0]}, []string{"0 pics/1a.jpg", "1 pics/0a.jpg"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			checkSource(t, beside(t, c.file, c.data), "manifest", c.opts, c.classes, c.want)
		})
	}
	t.Run("absolute paths", func(t *testing.T) {
		elsewhere := filepath.Join(filepath.Dir(beside(t, "x", "")), "pics", "0a.jpg")
		checkSource(t, beside(t, "m.csv", elsewhere+",0\n"), "manifest", Options{}, numbers[:1], []string{"0 " + filepath.ToSlash(elsewhere)})
	})
}

func TestManifestErrors(t *testing.T) {
	cases := []struct {
		name, file, data string
		opts             Options
		want             string
	}{
		{"empty", "m.csv", "", Options{}, "m.csv: names no picture"},
		{"header only", "m.csv", "path,label\n", Options{}, "m.csv: names no picture"},
		{"a path twice", "m.csv", "pics/0a.jpg,0\npics/1a.jpg,1\n./pics/0a.jpg,1\n", Options{}, "m.csv:3: pics/0a.jpg is already on line 1"},
		{"no label column", "m.csv", "path,width\npics/0a.jpg,0\n", Options{}, "m.csv:1: the header path,width names no label"},
		{"unknown header", "m.csv", "id,breed\npics/0a.jpg,0\n", Options{}, "m.csv:1: is neither a header (path,label[,split]) nor the row of a picture"},
		{"one column", "m.csv", "pics/0a.jpg\n", Options{}, "m.csv:1: has 1 columns and no header"},
		{"a row with fewer columns", "m.csv", "pics/0a.jpg,0\npics/1a.jpg\n", Options{}, "m.csv:2: has 1 columns, the first line has 2"},
		{"a bad quote", "m.csv", "pics/0a.jpg,0\n\"pics/1a.jpg,1\n", Options{}, "m.csv:2: "},
		{"an empty path", "m.csv", "pics/0a.jpg,0\n,1\n", Options{}, "m.csv:2: the path is empty"},
		{"an empty label", "m.csv", "pics/0a.jpg,0\npics/1a.jpg, \n", Options{}, "m.csv:2: the label is empty"},
		{"an empty split", "m.csv", "pics/0a.jpg,0,train\npics/1a.jpg,1,\n", Options{}, "m.csv:2: the split is empty"},
		{"an address", "m.csv", "path,label\nhttps://example.org/1.jpg,0\n", Options{}, "m.csv:2: https://example.org/1.jpg is an address"},
		{"count from 1", "m.csv", "pics/0a.jpg,1\npics/1a.jpg,2\n", Options{}, "m.csv: the labels are numbers from 1 to 2 without 0"},
		{"a gap", "m.csv", "pics/0a.jpg,0\npics/1a.jpg,2\n", Options{}, "m.csv: the labels are numbers from 0 to 2 without 1"},
		{"not in the class list", "m.csv", "pics/0a.jpg,tench\npics/1a.jpg,zebra\n", Options{Classes: named("tench")}, `m.csv:2: label "zebra" isn't in the class list`},
		{"beyond the class list", "m.csv", "pics/0a.jpg,0\npics/1a.jpg,1\n", Options{Classes: named("tench")}, "m.csv:2: label 1 is neither an ID of the class list nor an index into its 1 classes"},
		{"no such split", "m.csv", "pics/0a.jpg,0,train\npics/1a.jpg,1,test\n", val, "m.csv: no picture of split val; its splits are: test, train"},
		{"a class only for validation", "m.csv", "pics/0a.jpg,a,train\npics/1a.jpg,b,val\n", Options{}, "m.csv: no picture of 1 of 2 classes (b)"},
		{"division of the divided", "m.csv", "pics/0a.jpg,0,train\npics/1a.jpg,0,val\n", Options{SplitFraction: .5}, "leave out the split fraction"},
		{"not an object", "m.jsonl", "{\"path\":\"a\",\"label\":0}\n[1]\n", Options{}, "m.jsonl:2: is a list, want an object"},
		{"a key twice", "m.jsonl", "{\"path\":\"a\",\"label\":0,\"label\":1}\n", Options{}, "m.jsonl:1: label is there twice: leave one of the two"},
		{"two paths in a header", "m.csv", "image,label,filename\npics/0a.jpg,0,pics/1a.jpg\n", Options{}, "m.csv:1: has two columns for the path, image and filename: give one of them another name"},
		{"one name twice in a header", "m.csv", "path,label,Path\npics/0a.jpg,0,pics/1a.jpg\n", Options{}, "m.csv:1: has two columns for the path, path and Path"},
		{"two labels in a header", "m.csv", "path,class,target\npics/0a.jpg,0,1\n", Options{}, "m.csv:1: has two columns for the label, class and target"},
		{"two splits in a header", "m.tsv", "path\tlabel\tset\tsplit\npics/0a.jpg\t0\ttrain\tval\n", Options{}, "m.tsv:1: has two columns for the split, set and split"},
		{"two paths in an object", "m.jsonl", "{\"path\":\"a\",\"img\":\"b\",\"label\":0}\n", Options{}, "m.jsonl:1: has two columns for the path, path and img"},
		{"null", "m.jsonl", "null\n", Options{}, `m.jsonl:1: has no text "path"`},
		{"two on a line", "m.jsonl", "{\"path\":\"a\",\"label\":0} {}\n", Options{}, "m.jsonl:1: holds more than one JSON value"},
		{"no label", "m.jsonl", "{\"path\":\"a\",\"label\":[1]}\n", Options{}, `m.jsonl:1: has no "label"`},
		{"a split on some lines", "m.jsonl", "{\"path\":\"a\",\"label\":0,\"split\":\"train\"}\n{\"path\":\"b\",\"label\":0}\n", Options{}, "m.jsonl:2: names no split, unlike the lines before"},
		{"a line without end", "m.jsonl", "{\"path\":\"a\",\"label\":0}\n" + strings.Repeat("x", maxRow+1), Options{}, "m.jsonl:2: the row has more than 1048576 bytes"},
		{"a row without end", "m.csv", "pics/0a.jpg,0\n\"" + strings.Repeat("x", maxRow+5000), Options{}, "m.csv:2: the row has more than 1048576 bytes: is a quote left open"},
		{"Latin-1", "m.csv", "path,label\npics/0a.jpg,caf\xe9\n", Options{}, "m.csv:2: isn't UTF-8 (byte 0xe9): if the file is Latin-1 or Windows-1252, convert it: iconv -f WINDOWS-1252 -t UTF-8"},
		{"Latin-1 in JSON", "m.jsonl", "{\"path\":\"caf\xe9.jpg\",\"label\":0}\n", Options{}, "m.jsonl:1: isn't UTF-8 (byte 0xe9)"},
		{"UTF-16 without mark", "m.csv", "p\x00a\x00t\x00h\x00", Options{}, "m.csv: seems to be UTF-16 without a byte order mark: save it as UTF-8"},
		{"half a character", "m.csv", "\xff\xfep\x00a", Options{}, "the UTF-16 text ends within a character"},
		{"half a pair", "m.csv", "\xff\xfep\x00\x00\xd8p\x00", Options{}, "the UTF-16 text holds half a character"},
		{"zero bytes", "m.csv", "pics/0a.jpg,0\npics/\x00,0\n", Options{}, "m.csv:2: holds a byte that is zero"},
		{"negative", "m.csv", "pics/0a.jpg,0\npics/1a.jpg,-1\n", Options{}, "m.csv:2: label -1 is negative: labels count from 0"},
		{"backslashes", "m.csv", "pics\\0a.jpg,0\n", Options{}, "no such file or directory: the path has backslashes, as Windows writes them: write slashes"},
		{"control characters", "m.csv", "path,label\n\x1b[2J://x,0\n", Options{}, `m.csv:2: "\x1b[2J://x" is an address`},
		{"a quote within", "m.csv", "pics/0a.jpg,5\" x\n", Options{}, "m.csv:1: bare \" in non-quoted-field: quote the whole value"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { checkOpenError(t, beside(t, c.file, c.data), c.opts, c.want) })
	}
}

func TestManifestNamesTheLineOfALostPicture(t *testing.T) {
	s, err := Open(t.Context(), beside(t, "m.csv", "path,label\npics/0a.jpg,0\npics/lost.jpg,0\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Open(s.Items()[1])
	if err == nil || !strings.Contains(err.Error(), "m.csv:3: ") || !strings.Contains(err.Error(), "lost.jpg") {
		t.Errorf("got %v", err)
	}
}

// TestManifestEncodings: the same list in every form that programs write.
func TestManifestEncodings(t *testing.T) {
	utf16le := func(s string) string {
		var b strings.Builder
		for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
			b.WriteByte(byte(u))
			b.WriteByte(byte(u >> 8))
		}
		return b.String()
	}
	swapped := func(s string) string {
		b := []byte(s)
		for i := 0; i < len(b); i += 2 {
			b[i], b[i+1] = b[i+1], b[i]
		}
		return string(b)
	}
	plain := "path,label\npics/0a.jpg,dog\npics/1a.jpg,café 🐈\n"
	lines := "{\"path\":\" pics/0a.jpg \",\"label\":\"dog \"}\n{\"path\":\"pics/1a.jpg\",\"label\":\" café 🐈\"}"
	for name, file := range map[string][2]string{
		"plain":          {"m.csv", plain},
		"mark":           {"m.csv", "\ufeff" + plain},
		"CRLF":           {"m.csv", strings.ReplaceAll(plain, "\n", "\r\n")},
		"spaces":         {"m.csv", "path , label\npics/0a.jpg ,dog \npics/1a.jpg, café 🐈\n"},
		"space first":    {"m.csv", " path,label\n pics/0a.jpg, dog\n\"pics/1a.jpg\", \"café 🐈\"\n"},
		"semicolons":     {"m.csv", strings.ReplaceAll(plain, ",", ";")},
		"tabs in .csv":   {"m.csv", strings.ReplaceAll(plain, ",", "\t")},
		"tabs":           {"m.tsv", strings.ReplaceAll(plain, ",", "\t")},
		"UTF-16 little":  {"m.csv", utf16le(plain)},
		"UTF-16 big":     {"m.csv", swapped(utf16le(plain))},
		"JSON":           {"m.jsonl", lines},
		"JSON with mark": {"m.jsonl", "\ufeff" + lines},
		"JSON in UTF-16": {"m.jsonl", utf16le(lines)},
	} {
		s, err := Open(t.Context(), beside(t, file[0], file[1]), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := list(s), "café 🐈:pics/1a.jpg dog:pics/0a.jpg"; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// TestManifestOfNamesThatAreNotUTF8: they are written in a manifest as shards hold
// them.
func TestManifestOfNamesThatAreNotUTF8(t *testing.T) {
	p := beside(t, "m.csv", "path,label\npics/caf\\xe9.jpg,a\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(p), "pics", "caf\xe9.jpg"), []byte("picture"), 0o666); err != nil {
		t.Skip("this file system takes no such names: ", err)
	}
	s, err := Open(t.Context(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, s.Items()[0]); got != "picture" {
		t.Errorf("read %q", got)
	}
}
