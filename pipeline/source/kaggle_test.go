package source

import (
	"path/filepath"
	"strings"
	"testing"
)

// kaggleTree returns the files of Kaggle's download.
func kaggleTree(t *testing.T, suffixed bool) []file {
	t.Helper()
	names, solution := "", "ImageId,PredictionString\n"
	files := []file{{"LOC_train_solution.csv", "…"}, {"LOC_sample_submission.csv", "…"}}
	for label, c := range kitClasses {
		names += c.ID + " " + c.Name + "\n"
		for _, n := range []string{"_10.JPEG", "_7.JPEG"} {
			files = append(files, file{kaggleData + "/train/" + c.ID + "/" + c.ID + n, picture(t, label)})
		}
	}
	for i, f := range valPictures(t, suffixed) {
		image, _, _ := strings.Cut(f.name, "_n")
		image = strings.TrimSuffix(image, ".JPEG")
		files = append(files, file{kaggleData + "/val/" + f.name, f.data})
		id := kitClasses[kitTruth[i]].ID
		solution += image + "," + id + " 85 1 499 272 "
		if i%2 == 0 {
			solution += id + " 1 2 3 4 "
		}
		solution += "\n"
	}
	return append(files, file{kaggleNames, names}, file{kaggleSolution, solution})
}

func TestKaggle(t *testing.T) {
	root := folder(t, kaggleTree(t, false)...)
	for _, below := range []string{"", "ILSVRC", "ILSVRC/Data", "ILSVRC/Data/CLS-LOC"} {
		p := filepath.Join(root, filepath.FromSlash(below))
		checkSource(t, p, "kaggle", Options{}, kitClasses, trainWant())
		checkSource(t, p, "kaggle", val, kitClasses, valWant(false))
	}
	list := Options{Split: "val", Classes: []Class{{ID: "n03888257"}}}
	checkSource(t, root, "kaggle", list, kitClasses[4:], []string{"0 ILSVRC2012_val_00000001.JPEG", "0 ILSVRC2012_val_00000008.JPEG"})
	checkSource(t, folder(t, kaggleTree(t, true)...), "kaggle", val, kitClasses, valWant(true))

	// One folder further down is a plain set of class folders.
	checkSource(t, filepath.Join(root, filepath.FromSlash(kaggleData), "train"), "folders", Options{}, without(kitClasses), trainWant())
}

func TestKaggleErrors(t *testing.T) {
	// change returns a tree in which edit, given each name and contents, says
	// what becomes of them; no name means no file.
	change := func(edit func(f file) file) string {
		var files []file
		for _, f := range kaggleTree(t, false) {
			if f = edit(f); f.name != "" {
				files = append(files, f)
			}
		}
		return folder(t, files...)
	}
	drop := func(part string) string {
		return change(func(f file) file {
			if strings.Contains(f.name, part) {
				return file{}
			}
			return f
		})
	}
	replace := func(name, old, new string) string {
		return change(func(f file) file {
			if f.name == name {
				f.data = strings.Replace(f.data, old, new, 1)
			}
			return f
		})
	}
	stray := func(name string) string {
		return folder(t, append(kaggleTree(t, false), file{kaggleData + "/" + name, "…"})...)
	}
	cases := []struct {
		name, path string
		opts       Options
		want       []string
	}{
		{"no names", drop(kaggleNames), Options{}, []string{"holds no " + kaggleNames}},
		{"no solution", drop(kaggleSolution), val, []string{kaggleSolution + ": not found", "copy it from Kaggle"}},
		{"no val folder", drop("/val/"), val, []string{"val: no such folder"}},
		{"a picture short", drop("val_00000004"), val, []string{"lacks 1 of the pictures", "ILSVRC2012_val_00000004"}},
		{"a picture too many", stray("val/ILSVRC2012_val_00000011.JPEG"), val, []string{"ILSVRC2012_val_00000011.JPEG has no line in"}},
		{"a class short", drop("train/n02979186"), Options{}, []string{"no picture of 1 of 5 classes (n02979186)"}},
		{"a class too many", stray("train/n09999999/1.JPEG"), Options{}, []string{"class folder n09999999 isn't in " + kaggleNames}},
		{"a class twice", replace(kaggleNames, "n02102040", "n01440764"), Options{}, []string{kaggleNames + ":2: class n01440764 for the second time"}},
		{"unknown label", replace(kaggleSolution, "n01440764", "n05"), val, []string{kaggleSolution + `:4: class "n05" isn't in`}},
		{"two labels", replace(kaggleSolution, "n03888257 1 2", "n01440764 1 2"), val, []string{kaggleSolution + ":2: ILSVRC2012_val_00000001 is labelled both n03888257 and n01440764"}},
		{"Latin-1", replace(kaggleSolution, "ILSVRC2012_val_00000002", "caf\xe9"), val, []string{kaggleSolution + ":3: isn't UTF-8 (byte 0xe9)"}},
		{"a row without end", replace(kaggleSolution, "ILSVRC2012_val_00000002", "\""+strings.Repeat("x", 2*maxRow)), val, []string{kaggleSolution + ": the row has more than 1048576 bytes"}},
		{"a line twice", replace(kaggleSolution, "val_00000002", "val_00000001"), val, []string{kaggleSolution + ":3: ILSVRC2012_val_00000001 for the second time"}},
		{"columns missing", replace(kaggleSolution, "ILSVRC2012_val_00000003,", ""), val, []string{kaggleSolution + ":4: wrong number of fields"}},
		{"empty solution", change(func(f file) file {
			if f.name == kaggleSolution {
				f.data = ""
			}
			return f
		}), val, []string{kaggleSolution + ": holds no label"}},
		{"not there", t.TempDir(), Options{Layout: "kaggle"}, []string{"holds no " + kaggleData}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { checkOpenError(t, c.path, c.opts, c.want...) })
	}
}
