package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/train"
	"alexnet/pipeline/synthetic"
)

// TestTrainsFromPictures: one folder of class folders is all that is given. The
// commands that are printed do the same, bit for bit; a second call goes on with what
// is there.
func TestTrainsFromPictures(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if _, err := synthetic.Write(t.Context(), "practice", synthetic.Config{Classes: 2, PerClass: 30}, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join("practice", "train"), "my photos"); err != nil { // no validation set of its own
		t.Fatal(err)
	}
	plan := call("train-alexnet", "my photos", "--dry-run", "--epochs", "2")
	plan.must(t, 0, "recipe small", "hint: 6 steps of 16 pictures are too few", "prep-imagenet shard --in 'my photos'", "--split-fraction 0.1", " --epochs 2\n")
	for _, want := range []string{"net alexnet-mini: 2 classes", "train: 54 pictures, 3 steps of 16 an epoch, 6 steps in all", "validate: 6 pictures", "learning rate: cosine", "host "} {
		if !strings.Contains(plan.stdout, want) {
			t.Errorf("--dry-run prints no %q:\n%s", want, plan.stdout)
		}
	}
	if _, err := os.Stat("runs"); err == nil {
		t.Error("--dry-run has written a run folder")
	}
	const steps = "3"
	r := call("train-alexnet", "my photos", "--steps", steps, "--threads", "1")
	r.must(t, 0, "these commands do the same", "recipe small: for a few thousand pictures", "54 pictures to train on")
	run := filepath.Join("runs", "my photos")
	record, err := train.ReadRecord(run)
	if err != nil {
		t.Fatal(err)
	}
	c, err := record.Config()
	if err != nil {
		t.Fatal(err)
	}
	if c.Net != "alexnet-mini" || c.Recipe != "small" || c.Init != "he" {
		t.Errorf("net %s, recipe %s, first weights %s", c.Net, c.Recipe, c.Init)
	}
	before := weights(t, latest(t, run))
	again := call("train-alexnet", "my photos", "--steps", "5", "--threads", "1")
	again.must(t, 0, "resuming")
	for _, said := range []string{plan.stdout, plan.stderr, r.stdout, r.stderr, again.stdout, again.stderr} {
		if strings.Contains(said, dir) {
			t.Errorf("a relative path comes back absolute:\n%s", said)
		}
	}

	// By hand, with the last of the printed commands, into another folder.
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "  train-alexnet --train") })
	if at < 0 {
		t.Fatalf("no command in %q", r.stderr)
	}
	words := strings.Fields(strings.ReplaceAll(lines[at], "my photos", "my_photos"))
	for i, w := range words {
		words[i] = strings.ReplaceAll(strings.Trim(w, "'"), "my_photos", "my photos")
	}
	words[slices.Index(words, "--run")+1] = "by-hand"
	if !slices.Contains(words, "--steps") || !slices.Contains(words, "--threads") {
		t.Errorf("%q lacks the flags that were given", lines[at])
	}
	call(words...).must(t, 0)
	for name, want := range before {
		if got := weights(t, latest(t, "by-hand"))[name]; !slices.Equal(got, want) {
			t.Errorf("%s differs from that of the printed command", name)
		}
	}

	// A folder that has grown, and another net, come with what this command takes.
	call("train-alexnet", "my photos", "--net", "cifar-13pct", "--steps", "6").must(t, 1, "for another net (size 74 instead of 28): give --run", "my photos-2")
	class := filepath.Join("my photos", "blobs")
	if entries, err := os.ReadDir("my photos"); err == nil {
		class = filepath.Join("my photos", entries[0].Name())
	}
	pictures, err := os.ReadDir(class)
	if err != nil {
		t.Fatal(err)
	}
	call("train-alexnet", class, "--steps", "1").must(t, 1, "if they are the pictures of one class, give the folder around it, my photos")
	grown := filepath.Join(class, "grown.jpg")
	if err := os.Link(filepath.Join(class, pictures[0].Name()), grown); err != nil {
		t.Fatal(err)
	}
	grew := call("train-alexnet", "my photos", "--steps", "6")
	grew.must(t, 1, "as it was, or for another net (pictures found ", "--resume")
	if strings.Contains(grew.stderr, "--append") || strings.Contains(grew.stderr, "--out") {
		t.Errorf("it names flags of another command:\n%s", grew.stderr)
	}
	if err := os.Remove(grown); err != nil {
		t.Fatal(err)
	}

	if err := os.MkdirAll(filepath.Join("one", "class"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(class, pictures[0].Name()), filepath.Join("one", "class", "a.jpg")); err != nil {
		t.Fatal(err)
	}
	call("train-alexnet", "one").must(t, 1, `all pictures are of one class, "class"`)

	call("train-alexnet", "nothing").must(t, 2, `unexpected "nothing": there is no such command, and no such folder of pictures`)
	call("train-alexnet", "--resume", "my photos").must(t, 2, "--run 'my photos' --resume goes on with it")
	call("train-alexnet", filepath.Join("runs", "my photos")).must(t, 2, "--resume goes on with it")
	call("train-alexnet", "evl").must(t, 2, "did you mean eval?")
	call("train-alexnet", "my fotos").must(t, 2, "no such folder of pictures: did you mean 'my photos'?")
	call("train-alexnet", filepath.Join("runs", "my photo")).must(t, 2, "did you mean '"+filepath.Join("runs", "my photos")+"'?")
	call("train-alexnet", "resume", run).must(t, 2, "there is no such command, and no such folder of pictures: did you mean --resume?")
	call("train-alexnet", "--bathc", "3", "my photos").must(t, 2, "did you mean --batch?")
	for _, flags := range [][]string{{"--recipe", "tiny"}, {"--schedule", "constnat"}, {"--lr", "-1"}, {"--batch", "500"}, {"--freeze", "conv9"}, {"--devices", "tpu"}, {"--dashboard", "8080"}} {
		call(append([]string{"train-alexnet", "my photos", "--run", "refused"}, flags...)...).must(t, 2, flags[0])
		if _, err := os.Stat("refused"); err == nil {
			t.Errorf("%q is refused after shards are made", flags)
		}
	}
	call("train-alexnet", "my photos", "--train", "shards").must(t, 2, "--train: my photos gives the pictures")
}

// TestPicturesFromWeights: the one command fine-tunes the net of a checkpoint, on some of
// the classes.
func TestPicturesFromWeights(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := synthetic.Write(t.Context(), "practice", synthetic.Config{Classes: 3, PerClass: 20}, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("two.txt", []byte("crosses\tsmall crosses\nbricks\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	in := filepath.Join("practice", "train")
	call("train-alexnet", in, "--run", "first", "--steps", "1").must(t, 0)
	tune := []string{"train-alexnet", in, "--from", "first", "--classes", "two.txt", "--run", "tuned", "--steps", "2"}
	r := call(tune...)
	r.must(t, 0, "note: left out 1 class with 20 pictures that the class list doesn't name: checks", "recipe small: ",
		"--split train --size 74 --classes two.txt --split-fraction 0.1\n", "--pca "+filepath.Join("tuned", "pca.json")+" --run tuned --from first --steps 2\n")
	f, err := engine.OpenCheckpoint("tuned")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if f.Net.Name != "alexnet-mini" || f.Net.Input.Scale != 1./64 || !slices.Equal(f.Classes, []string{"crosses", "bricks"}) || !slices.Equal(f.ClassNames, []string{"small crosses", ""}) {
		t.Errorf("net %s, scale %g, classes %q, names %q", f.Net.Name, f.Net.Input.Scale, f.Classes, f.ClassNames)
	}
	call(append(tune[:len(tune)-1:len(tune)-1], "3")...).must(t, 0, "resuming tuned at epoch 2, step 2")

	call("train-alexnet", in, "--from", "first", "--net", "alexnet", "--run", "other").must(t, 2, "--from: no layer of net alexnet can begin with the weights of first")
	same := call("train-alexnet", in, "--from", "first", "--net", "alexnet-mini", "--run", "other", "--dry-run")
	same.must(t, 0, "--size 74", " --run other --net alexnet-mini --from first\n")
	if !strings.Contains(same.stdout, "net alexnet-mini: 3 classes") || !strings.Contains(same.stdout, "begin with weights of "+filepath.Join("first", "checkpoints")) {
		t.Errorf("--dry-run prints\n%s", same.stdout)
	}
	call("train-alexnet", in, "--from", "none", "--run", "other").must(t, 1, "--from: there is no checkpoint none")
	call("train-alexnet", in, "--classes", in, "--run", "other").must(t, 1, "or prep-imagenet shard --in "+in+" --out shards makes shards")
	call("train-alexnet", in, "--classes", "none.txt", "--run", "other").must(t, 1, "--classes: read the class list: none.txt: no such file")
	call("train-alexnet", "--classes", "two.txt", "--run", "tuned", "--resume").must(t, 2, "--classes is for PICTURES")
}

// TestPicturesToTrainOn: a small set is told the batch that fits, shards how to train on
// them, and --dry-run tells what of the pictures can be read.
func TestPicturesToTrainOn(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := synthetic.Write(t.Context(), "practice", synthetic.Config{Classes: 2, PerClass: 6}, nil); err != nil {
		t.Fatal(err)
	}
	in := filepath.Join("practice", "train")
	refused := call("train-alexnet", in)
	refused.must(t, 2, "recipe small's --batch, 16: "+in+" has only 10 pictures to train on: give --batch 10")
	whole := call("train-alexnet", in, "--batch", "10", "--dry-run")
	whole.must(t, 0, "train: 10 pictures: all can be read; the shards would take about ", "val: 2 pictures: all can be read")

	call("train-alexnet", filepath.Join("practice", "val")).must(t, 1, "no class has two pictures, so there is none to validate on")
	call("train-alexnet", in, "--batch", "5", "--run", "run", "--steps", "1").must(t, 0)
	pictures, err := filepath.Glob(filepath.Join(in, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range pictures {
		if i == 1 {
			call("train-alexnet", in, "--batch", "5", "--dry-run").must(t, 0, " 1 can't be read, such as ", `: holds text, not a picture: it begins with "broken\n"`)
		}
		if err := os.WriteFile(p, []byte("broken\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	call("train-alexnet", in, "--batch", "5", "--dry-run").must(t, 1, "none of the 10 pictures can be used; the first")

	shards := filepath.Join("run", "shards")
	call("train-alexnet", shards).must(t, 2, shards+" holds shards already, not pictures: train-alexnet --train "+
		filepath.Join(shards, "train")+" --val "+filepath.Join(shards, "val")+" --run "+filepath.Join("runs", "shards")+" trains on them")
	call("train-alexnet", filepath.Join(shards, "val")).must(t, 2, "train-alexnet --train "+filepath.Join(shards, "val")+" --run ")

	for _, folder := range []string{"train/a", "train/b", "val/a"} {
		if err := os.MkdirAll(filepath.Join("lacking", folder), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("lacking", folder, "1.png"), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	call("train-alexnet", "lacking").must(t, 1, "give a list of all classes with --classes")
}

// latest is the last checkpoint of a run.
func latest(t *testing.T, run string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(run, "checkpoints", "step-*.safetensors"))
	if err != nil || len(all) == 0 {
		t.Fatal(err, all)
	}
	return all[len(all)-1]
}
