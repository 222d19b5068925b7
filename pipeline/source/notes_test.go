package source

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestOthersAreCounted: each layout tells of the classes that a class list leaves out.
func TestOthersAreCounted(t *testing.T) {
	fish := []Class{{ID: "n01440764"}}
	folders := onDisk(t, "a/1.jpg", "b/1.jpg", "b/in/2.jpg", "b/.hidden", "c/", "d/1.jpg")
	archive := filepath.Join(folder(t, file{"set.tar", tarOf(t, file{"a/1.jpg", "x"}, file{"b/1.jpg", "x"}, file{"b/2.jpg", "x"})}), "set.tar")
	kaggle := folder(t, kaggleTree(t, false)...)
	kit := devkitArchive(t)
	for _, c := range []struct {
		path string
		opts Options
		want string
	}{
		{folders, Options{Classes: named("d", "a")}, "left out 2 classes with 2 pictures that the class list doesn't name: b, c"},
		{archive, Options{Classes: named("a")}, "left out 1 class with 2 pictures that the class list doesn't name: b"},
		{folders, Options{Classes: named("d", "a", "b")}, "left out 1 class that the class list doesn't name: c"},
		{kaggle, Options{Classes: fish}, "left out 4 classes with 8 pictures that the class list doesn't name: n02102040, n02979186, n03028079, n03888257"},
		{kaggle, Options{Classes: fish, Split: "val"}, "left out 4 classes with 8 pictures that the class list doesn't name: n02102040, n02979186, n03028079, n03888257"},
		{folder(t, file{trainArchive, tarOf(t, trainTars(t)...)}, kit), Options{Classes: fish}, "left out 4 classes that the class list doesn't name: n02102040, n02979186, n03028079, n03888257"},
		{folder(t, file{valArchive, tarOf(t, valPictures(t, false)...)}, kit), Options{Classes: fish, Split: "val"}, "left out 4 classes with 8 pictures that the class list doesn't name: n02102040, n02979186, n03028079, n03888257"},
	} {
		var told []string
		c.opts.Note = func(text string) { told = append(told, text) }
		s, err := Open(t.Context(), c.path, c.opts)
		if err != nil {
			t.Error(err)
			continue
		}
		s.Close()
		if !slices.Contains(told, c.want) {
			t.Errorf("%s, %s: told %q, want %q", c.path, c.opts.Split, told, c.want)
		}
	}
}
