package source

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var val = Options{Split: "val"}

func TestILSVRCTrain(t *testing.T) {
	inner := trainTars(t)
	archive := file{trainArchive, tarOf(t, inner...)}
	kit := devkitArchive(t)

	withKit := folder(t, archive, kit)
	t.Run("archive beside its kit", func(t *testing.T) {
		checkSource(t, filepath.Join(withKit, trainArchive), "ilsvrc", Options{}, kitClasses, trainWant())
	})
	t.Run("folder of both", func(t *testing.T) {
		checkSource(t, withKit, "ilsvrc", Options{}, kitClasses, trainWant())
	})
	t.Run("another file name, kit elsewhere", func(t *testing.T) {
		p := filepath.Join(folder(t, file{"images.tar", archive.data}), "images.tar")
		checkSource(t, p, "ilsvrc", Options{Devkit: filepath.Join(withKit, kit.name)}, kitClasses, trainWant())
	})
	t.Run("no kit, no names", func(t *testing.T) {
		checkSource(t, folder(t, archive), "ilsvrc", Options{}, without(kitClasses), trainWant())
	})
	t.Run("tars of classes in a folder", func(t *testing.T) {
		checkSource(t, folder(t, inner...), "ilsvrc", Options{}, without(kitClasses), trainWant())
	})
	t.Run("class list", func(t *testing.T) {
		list := []Class{{"n03028079", "kirk"}, {"n01440764", ""}}
		checkSource(t, withKit, "ilsvrc", Options{Classes: list}, []Class{{"n03028079", "kirk"}, kitClasses[0]}, []string{
			"0 n03028079/n03028079_10.JPEG", "0 n03028079/n03028079_7.JPEG",
			"1 n01440764/n01440764_10.JPEG", "1 n01440764/n01440764_7.JPEG"})
	})
}

func TestILSVRCVal(t *testing.T) {
	archive := file{valArchive, tarOf(t, valPictures(t, false)...)}
	kit := devkitArchive(t)
	t.Run("archive beside its kit", func(t *testing.T) {
		p := filepath.Join(folder(t, archive, kit), valArchive)
		checkSource(t, p, "ilsvrc", val, kitClasses, valWant(false))
	})
	t.Run("folder of everything", func(t *testing.T) {
		p := folder(t, archive, kit, file{trainArchive, tarOf(t, trainTars(t)...)})
		checkSource(t, p, "ilsvrc", val, kitClasses, valWant(false))
		checkSource(t, p, "ilsvrc", Options{}, kitClasses, trainWant())
	})
	t.Run("unpacked kit", func(t *testing.T) {
		opts := Options{Split: "val", Devkit: filepath.Join("testdata", "devkit")}
		checkSource(t, folder(t, archive), "ilsvrc", opts, kitClasses, valWant(false))
	})
	t.Run("names with the class, no kit", func(t *testing.T) {
		p := folder(t, file{valArchive, tarOf(t, valPictures(t, true)...)})
		checkSource(t, p, "ilsvrc", val, without(kitClasses), valWant(true))
	})
	t.Run("names with the class, and a kit", func(t *testing.T) {
		p := folder(t, kit, file{valArchive, tarOf(t, valPictures(t, true)...)})
		checkSource(t, p, "ilsvrc", val, kitClasses, valWant(true))
	})
}

func TestILSVRCErrors(t *testing.T) {
	inner, kit := trainTars(t), devkitArchive(t)
	train, pictures := tarOf(t, inner...), valPictures(t, false)
	one := func(name, data string, more ...file) string {
		return filepath.Join(folder(t, append(more, file{name, data})...), name)
	}
	damagedInner := append([]file{}, inner...)
	damagedInner[1].data = damagedInner[1].data[:700]
	swapped := append([]file{}, valPictures(t, true)...)
	swapped[0].name, swapped[1].name = "ILSVRC2012_val_00000001_n03028079.JPEG", "ILSVRC2012_val_00000002_n03888257.JPEG"

	cases := []struct {
		name, path string
		opts       Options
		want       []string
	}{
		{"cut short in a picture", one(trainArchive, train[:len(train)/2]), Options{}, []string{trainArchive, "the tar is cut short in n02979186.tar", "fetch it again"}},
		{"cut short between two classes", one(trainArchive, train[:512+len(inner[0].data)]), Options{}, []string{"cut short after n01440764.tar"}},
		{"cut short in a class's tar", one(trainArchive, tarOf(t, damagedInner...)), Options{}, []string{trainArchive + ": n02102040.tar: the tar is cut short in n02102040_10.JPEG"}},
		{"a class short of the kit", one(trainArchive, tarOf(t, inner[1:]...), kit), Options{}, []string{"holds 4 of the 5 classes of", "missing: n01440764", trainMD5}},
		{"a class the kit doesn't know", one(trainArchive, tarOf(t, append(inner, file{"n09999999.tar", inner[0].data})...), kit), Options{}, []string{"class n09999999 isn't in", devkitName}},
		{"a class twice", one(trainArchive, tarOf(t, append(inner, inner[2])...)), Options{}, []string{"holds n02979186.tar twice"}},
		{"a class with no picture", one(trainArchive, tarOf(t, append(inner, file{"n09999999.tar", tarOf(t)})...)), Options{}, []string{"no picture of 1 of 6 classes (n09999999)"}},
		{"a picture twice", one(trainArchive, tarOf(t, file{"n01440764.tar", tarOf(t, file{"a.JPEG", "…"}, file{"a.JPEG", "…"})})), Options{}, []string{"holds n01440764/a.JPEG twice"}},
		{"a stranger among the classes", one(trainArchive, tarOf(t, append(inner, file{"readme.txt", "…"})...)), Options{}, []string{"member readme.txt isn't a class's tar"}},
		{"not a tar", one(trainArchive, strings.Repeat("text ", 500)), Options{}, []string{"isn't a tar"}},
		{"empty tar", one(trainArchive, tarOf(t)), Options{Layout: "ilsvrc"}, []string{"the tar is empty"}},
		{"zero bytes", one(trainArchive, ""), Options{}, []string{"cut short after its start (0 members)"}},
		{"the other split", one(trainArchive, train), val, []string{"holds the train split (n01440764.tar), but val is asked for"}},
		{"only the other archive", folder(t, file{trainArchive, train}), val, []string{"holds no " + valArchive}},
		{"test pictures", one("ILSVRC2012_img_test.tar", tarOf(t, file{"ILSVRC2012_test_00000001.JPEG", "…"})), Options{}, []string{"never published"}},
		{"no kit", one(valArchive, tarOf(t, pictures...)), val, []string{"the label of ILSVRC2012_val_00000001.JPEG is in the development kit", devkitName + ".tar.gz", devkitMD5}},
		{"a picture short", one(valArchive, tarOf(t, pictures[1:]...), kit), val, []string{"holds 9 pictures, but", "labels 10", valMD5}},
		{"a number twice", one(valArchive, tarOf(t, append(pictures[1:], file{"ILSVRC2012_val_00000002.png", "…"})...), kit), val, []string{"two pictures of number 2"}},
		{"a number too high", one(valArchive, tarOf(t, append(pictures[1:], file{"ILSVRC2012_val_00000011.JPEG", "…"})...), kit), val, []string{"ILSVRC2012_val_00000011.JPEG has a number outside the 1 to 10"}},
		{"a stranger among the pictures", one(valArchive, tarOf(t, append(pictures, file{"x.JPEG", "…"})...), kit), val, []string{"member x.JPEG isn't a validation picture"}},
		{"name and kit disagree", one(valArchive, tarOf(t, swapped...), kit), val, []string{"ILSVRC2012_val_00000001_n03028079.JPEG is of class n03028079 by its name, but of n03888257 by"}},
		{"kit isn't there", one(trainArchive, train), Options{Devkit: "nowhere.tar.gz"}, []string{"read the development kit", "nowhere.tar.gz"}},
		{"class list with a stranger", one(trainArchive, train), Options{Classes: []Class{{ID: "n05"}}}, []string{`has no class "n05" of the class list`}},
		{"its own split", one(trainArchive, train), Options{SplitFraction: .1}, []string{"leave out the split fraction"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { checkOpenError(t, c.path, c.opts, c.want...) })
	}
}

func TestDevkitErrors(t *testing.T) {
	archive := file{valArchive, tarOf(t, valPictures(t, false)...)}
	meta, truth := kitFile(t, "meta.mat"), kitFile(t, "ILSVRC2012_validation_ground_truth.txt")
	kit := func(files ...file) file { return file{devkitName + ".tar.gz", gzipped(t, tarOf(t, files...))} }
	whole := devkitArchive(t)
	cases := []struct {
		name string
		kit  file
		want []string
	}{
		{"cut short", file{whole.name, whole.data[:len(whole.data)/2]}, []string{whole.name, "damaged or cut short", devkitMD5}},
		{"not compressed", file{whole.name, "text"}, []string{whole.name, "as downloaded"}},
		{"no synsets", kit(file{truthFile, truth}), []string{whole.name, "holds no data/meta.mat"}},
		{"no ground truth", kit(file{synsetsFile, meta}), []string{whole.name, "holds no data/ILSVRC2012_validation_ground_truth.txt"}},
		{"empty ground truth", kit(file{synsetsFile, meta}, file{truthFile, "\n"}), []string{truthFile + ": holds no label"}},
		{"id of a group", kit(file{synsetsFile, meta}, file{truthFile, "3\n6\n"}), []string{truthFile + `:2: "6" is no id of a class`}},
		{"text for an id", kit(file{synsetsFile, meta}, file{truthFile, "n01440764\n"}), []string{truthFile + `:1: "n01440764" is no id`}},
		{"synsets cut short", kit(file{synsetsFile, meta[:400]}, file{truthFile, truth}), []string{synsetsFile + ": ends in the middle"}},
		{"another variable", kit(file{synsetsFile, meta[:128]}, file{truthFile, truth}), []string{synsetsFile + ": holds no variable synsets"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { checkOpenError(t, folder(t, archive, c.kit), val, c.want...) })
	}
	t.Run("folder without the files", func(t *testing.T) {
		checkOpenError(t, folder(t, archive), Options{Split: "val", Devkit: t.TempDir()}, "holds no data/meta.mat")
	})
}

func TestILSVRCOpenIsCancelled(t *testing.T) {
	p := folder(t, file{trainArchive, tarOf(t, trainTars(t)...)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, p, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestOpenOfAStranger(t *testing.T) {
	p := folder(t, file{trainArchive, tarOf(t, trainTars(t)...)})
	s, err := Open(t.Context(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(Item{Name: "n01440764/none.JPEG"}); err == nil || !strings.Contains(err.Error(), "has no picture n01440764/none.JPEG") {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(filepath.Join(p, trainArchive)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(s.Items()[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("archive removed: got %v", err)
	}
}

// TestILSVRCOfHuggingFace: tars of pictures that carry their class in their names,
// several for training.
func TestILSVRCOfHuggingFace(t *testing.T) {
	var halves [2][]file
	for _, class := range kitClasses {
		for i, number := range []string{"10", "7"} {
			label := labelsByID(kitClasses)[class.ID]
			halves[i] = append(halves[i], file{class.ID + "_" + number + "_" + class.ID + ".JPEG", picture(t, label)})
		}
	}
	root := folder(t, file{"train_images_0.tar.gz", gzipped(t, tarOf(t, halves[0]...))}, file{"train_images_1.tar.gz", gzipped(t, tarOf(t, halves[1]...))},
		file{"val_images.tar.gz", gzipped(t, tarOf(t, valPictures(t, true)...))}, file{"test_images.tar.gz", ""}, devkitArchive(t))
	checkSource(t, root, "ilsvrc", Options{}, kitClasses, trainWant())
	checkSource(t, root, "ilsvrc", val, kitClasses, valWant(true))
	checkOpenError(t, filepath.Join(root, "train_images_0.tar.gz"), val, "holds the train split (n01440764_10_n01440764.JPEG), but val is asked for")
	wrong := folder(t, file{"train_images_0.tar", tarOf(t, halves[0][0], file{"n01440764_1_n02102040.JPEG", "…"})})
	checkOpenError(t, wrong, Options{}, "member n01440764_1_n02102040.JPEG isn't a training picture")
}
