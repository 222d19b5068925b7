package source

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A validation set may lack pictures of classes that the class list names, and
// whole folders; its labels are the list's.
func TestValidationLacksClasses(t *testing.T) {
	var list []Class
	for _, id := range []string{"d", "a", "bare", "gone", "c"} {
		list = append(list, Class{ID: id})
	}
	root := onDisk(t, "a/1.jpg", "bare/", "c/1.jpg", "c/2.jpg", "other/9.jpg")
	var told []string
	opts := Options{Split: "val", Classes: list, Note: func(text string) { told = append(told, text) }}
	archive := filepath.Join(t.TempDir(), "val.tar")
	text := tarOf(t, file{"a/1.jpg", "x"}, file{"bare/", ""}, file{"c/1.jpg", "x"}, file{"c/2.jpg", "x"}, file{"other/9.jpg", "x"})
	if err := os.WriteFile(archive, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	opts.Layout = "folders"
	for _, at := range []string{root, archive} {
		told = nil
		s, err := Open(t.Context(), at, opts)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if want := []Item{{"a/1.jpg", 1}, {"c/1.jpg", 4}, {"c/2.jpg", 4}}; !slices.Equal(s.Items(), want) || !slices.Equal(s.Classes(), list) {
			t.Errorf("%s: items %v, classes %v", at, s.Items(), s.Classes())
		}
		if !slices.ContainsFunc(told, func(text string) bool {
			return text == "no picture of 3 of the 5 classes of the class list: d, bare, gone"
		}) {
			t.Errorf("%s: told %q", at, told)
		}
	}
	// Without the list the refusal says so, and for training sets there is none.
	_, err := Open(t.Context(), root, Options{Split: "val"})
	var empty *EmptyClassesError
	if !errors.As(err, &empty) || !slices.Equal(empty.Classes, []string{"bare"}) || !strings.Contains(err.Error(), "a validation set may lack classes that a class list names") {
		t.Errorf("without a list: %v", err)
	}
	opts.Split = "train"
	if _, err := Open(t.Context(), root, opts); err == nil || !strings.Contains(err.Error(), `has no class "d" of the class list`) {
		t.Errorf("training set: %v", err)
	}
	// A list of other pictures is none of these.
	opts.Split, opts.Classes = "val", []Class{{ID: "x"}, {ID: "y"}}
	if _, err := Open(t.Context(), root, opts); err == nil || !strings.Contains(err.Error(), `has no class "x" of the class list`) {
		t.Errorf("another list: %v", err)
	}
	opts.Classes = []Class{{ID: "bare"}, {ID: "gone"}}
	if _, err := Open(t.Context(), root, opts); !errors.As(err, &empty) {
		t.Errorf("no pictures at all: %v", err)
	}
}
