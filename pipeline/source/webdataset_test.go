package source

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWebDataset(t *testing.T) {
	p := func(label int) string { return picture(t, label) }
	first := tarOf(t, file{"./a.jpg", p(1)}, file{"./a.cls", "1\n"}, file{"./a.json", `{"label":7}`},
		file{"b.x.cls", "5"}, file{"b.cls", "0"}, file{"readme", "…"}, file{"b.JPEG", p(0)}, file{"b.seg.png", "…"}) // b.x.cls: field "x.cls" of b
	second := tarOf(t, file{"d.v1/", ""}, file{"d.v1/a.json", `{"class":"2","caption":"…"}`}, file{"d.v1/a.jpg", p(2)})
	numbers := named("0", "1", "2")
	want := []string{"0 x-08.tar/b.JPEG", "1 x-08.tar/a.jpg", "2 x-09.tar/d.v1/a.jpg"}

	root := folder(t, file{"x-08.tar", first}, file{"x-09.tar", second}, file{"sizes.json", "…"})
	checkSource(t, root, "webdataset", Options{}, numbers, want)
	checkSource(t, filepath.Join(root, "x-{08..09}.tar"), "webdataset", Options{}, numbers, want)
	checkSource(t, filepath.Join(root, "x-0{9,8}.tar"), "webdataset", Options{}, numbers, want)
	checkSource(t, filepath.Join(root, "x-08.tar"), "webdataset", Options{}, numbers[:2], want[:2])

	list := []Class{{"n01440764", "tench"}, {"n02102040", ""}, {"n02979186", ""}}
	checkSource(t, root, "webdataset", Options{Classes: list}, list, want)

	names := tarOf(t, file{"a.jpg", p(1)}, file{"a.cls", "n02102040"}, file{"b.jpg", p(0)}, file{"b.cls", "n01440764"})
	root = folder(t, file{"set.tar", names})
	checkSource(t, root, "webdataset", Options{}, without(kitClasses[:2]), []string{"0 set.tar/b.jpg", "1 set.tar/a.jpg"})
}

// TestWebDatasetMarks: a byte order mark isn't part of a label.
func TestWebDatasetMarks(t *testing.T) {
	root := folder(t, file{"x.tar", tarOf(t, file{"a.jpg", picture(t, 0)}, file{"a.cls", "\ufeff0\r\n"}, file{"b.jpg", picture(t, 1)}, file{"b.cls", "1"},
		file{"c.jpg", picture(t, 2)}, file{"c.json", "\ufeff{\"label\":2}"})})
	checkSource(t, filepath.Join(root, "x.tar"), "webdataset", Options{}, named("0", "1", "2"), []string{"0 x.tar/a.jpg", "1 x.tar/b.jpg", "2 x.tar/c.jpg"})
}

func TestWebDatasetSplits(t *testing.T) {
	one := tarOf(t, file{"a.jpg", picture(t, 0)}, file{"a.cls", "0"})
	root := folder(t, file{"in-train-000.tar", one}, file{"in-train-001.tar", one}, file{"in-validation-000.tar", one})
	checkSource(t, root, "webdataset", Options{}, named("0"), []string{"0 in-train-000.tar/a.jpg", "0 in-train-001.tar/a.jpg"})
	checkSource(t, root, "webdataset", val, named("0"), []string{"0 in-validation-000.tar/a.jpg"})
	checkOpenError(t, root, Options{SplitFraction: .5}, "leave out the split fraction")
	if err := os.WriteFile(filepath.Join(root, "in-extra.tar"), []byte(one), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, told := openNoted(t, root, Options{}); !strings.HasPrefix(told, "passed over tars that name no split, beside those for training and validation: 1 in all, such as ") {
		t.Errorf("told %q", told)
	}
}

func TestWebDatasetErrors(t *testing.T) {
	pic, cls := file{"a.jpg", "…"}, file{"a.cls", "0"}
	b := []file{{"b.jpg", "…"}, {"b.cls", "0"}}
	cases := []struct {
		name    string
		members []file
		want    string
	}{
		{"nothing of use", []file{{"a/", ""}}, "holds no sample"},
		{"no label", []file{pic}, "x.tar: sample a: has no label: neither .cls nor .json"},
		{"no picture", []file{cls}, "x.tar: sample a: has no picture (jpg"},
		{"torn apart", append([]file{pic, cls}, append(b, file{"a.json", "{}"})...), "x.tar: the files of sample a don't follow each other"},
		{"two of a key", append(append([]file{pic, cls}, b...), pic, cls), "the files of sample a don't follow each other, or there are two"},
		{"a field twice", []file{pic, cls, cls}, "x.tar: sample a has both a.cls and a.cls"},
		{"two pictures", []file{pic, cls, {"a.png", "…"}}, "x.tar: sample a has both a.jpg and a.png"},
		{"json without label", []file{pic, {"a.json", `{"caption":"…"}`}}, `x.tar: sample a: a.json has no "label"`},
		{"json that isn't", []file{pic, {"a.json", "text"}}, "x.tar: sample a: a.json isn't JSON"},
		{"dots in keys", []file{{"img.v1.jpg", "…"}, {"img.v1.cls", "0"}}, "x.tar: sample img: has no label: neither .cls nor .json, but it has img.v1.jpg, img.v1.cls: " +
			"by WebDataset's convention a key ends at the first dot of the name and the rest is the field, so the name may have no other dots: img_v1.jpg would do"},
		{"dots in fields", []file{{"0.input.jpg", "…"}, {"0.cls", "0"}}, "sample 0: has no picture (jpg, jpeg, png, gif, bmp, tif, tiff, webp), but it has 0.input.jpg: by WebDataset's convention a key ends at the first dot of the name and the rest is the field, so the name may have no other dots: 0.jpg would do"},
		{"numbers with points", []file{{"d/22.05.png", "…"}, {"d/22.05.cls", "0"}, {"d/22.06.png", "…"}, {"d/22.06.cls", "1"}}, "d/22_05.png would do"},
		{"binary label", []file{pic, {"a.cls", "\x03\x00\x00\x00"}}, "x.tar: sample a: a.cls holds no text but bytes (03 00 00 00): write the label as a number in digits"},
		{"Latin-1 label", []file{pic, {"a.cls", "caf\xe9"}}, "a.cls holds no text but bytes (63 61 66 e9)"},
		{"negative label", []file{pic, {"a.cls", "-1"}}, "sample a: label -1 is negative"},
		{"negative label in JSON", []file{pic, {"a.json", `{"label":-1}`}}, "sample a: label -1 is negative"},
		{"control characters", []file{{"\x1b[2J.jpg", "…"}}, `x.tar: sample "\x1b[2J": has no label`},
		{"empty label", []file{pic, {"a.cls", " \n"}}, "x.tar: sample a: the label is empty"},
		{"long label", []file{pic, {"a.cls", strings.Repeat("1", 2000)}}, "a.cls has 2000 bytes"},
		{"a way out", []file{{"../a.jpg", "…"}}, "x.tar: member ../a.jpg leads out"},
		{"labels with a gap", []file{pic, {"a.cls", "3"}}, "x.tar: the labels are numbers from 3 to 3 without 0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			checkOpenError(t, filepath.Join(folder(t, file{"x.tar", tarOf(t, c.members...)}), "x.tar"), Options{}, c.want)
		})
	}
	root := folder(t, file{"x-0.tar", tarOf(t, pic, cls)})
	for pattern, want := range map[string]string{
		"x-{0..1}.tar":          "x-1.tar: no such file or directory: correct the pattern or fetch the missing tar",
		"x-{1..0}.tar":          "{1..0} counts nothing",
		"x-{0..a}.tar":          "{0..a} counts nothing",
		"x-{0..9999999}.tar":    "means 10000000 files",
		"x-{0..1.tar":           "a brace isn't closed",
		"{0..9999}{0..999}.tar": "means 10000000 files",
	} {
		checkOpenError(t, filepath.Join(root, pattern), Options{}, want)
	}
}

func TestExpandBraces(t *testing.T) {
	cases := []struct{ pattern, want string }{
		{"a.tar", "[a.tar]"},
		{"a-{008..010}.tar", "[a-008.tar a-009.tar a-010.tar]"},
		{"{8..10}", "[8 9 10]"},
		{"{a,b}-{0..1}", "[a-0 a-1 b-0 b-1]"},
		{"{000000..001281}", ""},
	}
	for _, c := range cases {
		got, err := expandBraces(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		}
		if c.want == "" {
			c.want = fmt.Sprint(got)
			if len(got) != 1282 || got[1281] != "001281" {
				t.Errorf("%s: %d names, the last %s", c.pattern, len(got), got[len(got)-1])
			}
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: got %v, want %s", c.pattern, got, c.want)
		}
	}
}
