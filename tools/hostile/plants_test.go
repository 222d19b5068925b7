//go:build linux

package hostile

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// planted is a library whose loading leaves a mark.
const planted = `
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void run(void) {
	FILE *f = fopen(getenv("HOSTILE_MARK"), "a");
	if (f) { fputs("ran\n", f); fclose(f); }
}
`

// libraries are the names of those that are found at run time.
var libraries = []string{
	"libcuda.so.1", "libcuda.so", "libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcublasLt.so.12", "libcudnn.so.9", "libnvrtc.so.13", "libnvrtc.so.12",
	"libnccl.so.2", "libturbojpeg.so.0", "libturbojpeg.so", "libturbojpeg.so.0.2.0", "libmpi.so.40", "libmpi.so.12", "libmpi.so", "libmpich.so.12", "libvulkan.so.1",
}

// Libraries that lie in the folder where a command runs, and in others that a
// stranger may fill, are never loaded.
func TestPlantedLibraries(t *testing.T) {
	w := newWorld(t)
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc to make a library with")
	}
	here := t.TempDir()
	code, library, mark := filepath.Join(here, "planted.c"), filepath.Join(here, "planted.so"), filepath.Join(here, "mark")
	if err := os.WriteFile(code, []byte(planted), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(compiler, "-shared", "-fPIC", "-o", library, code).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// Whoever loads it is found out.
	loaded := exec.Command("/bin/true")
	loaded.Env = []string{"LD_PRELOAD=" + library, "HOSTILE_MARK=" + mark}
	if err := loaded.Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mark); err != nil {
		t.Skipf("a planted library leaves no mark here: %v", err)
	}
	os.Remove(mark)

	cwd, open := filepath.Join(here, "downloads"), filepath.Join(here, "open")
	folders := []string{cwd, filepath.Join(cwd, "lib"), filepath.Join(cwd, "lib64"), filepath.Join(open, "lib")}
	for _, env := range []string{filepath.Join(cwd, ".venv"), filepath.Join(cwd, "venv"), filepath.Join(cwd, "env"), filepath.Join(open, ".venv"), filepath.Join(open, "venv")} {
		for _, python := range []string{"python3.11", "python3.13"} {
			site := filepath.Join(env, "lib", python, "site-packages")
			folders = append(folders, filepath.Join(env, "lib"), site)
			for _, part := range []string{"cu13", "cuda_runtime", "cublas", "cudnn", "nccl", "cuda_nvrtc"} {
				folders = append(folders, filepath.Join(site, "nvidia", part, "lib"))
			}
		}
	}
	data, err := os.ReadFile(library)
	if err != nil {
		t.Fatal(err)
	}
	planted := 0
	for _, folder := range folders {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(folder, 0o777); err != nil { // beyond the umask
			t.Fatal(err)
		}
		for _, name := range libraries {
			if err := os.WriteFile(filepath.Join(folder, name), data, 0o777); err != nil {
				t.Fatal(err)
			}
			planted++
		}
	}
	for _, folder := range []string{"vulkan", ".config/vulkan", ".local/share/vulkan"} {
		for below, manifest := range map[string]string{
			"icd.d": `{"file_format_version": "1.0.0", "ICD": {"library_path": "LIBRARY", "api_version": "1.2.0"}}`,
			"implicit_layer.d": `{"file_format_version": "1.1.2", "layer": {"name": "VK_LAYER_planted", "type": "GLOBAL", "library_path": "LIBRARY",
				"api_version": "1.2.0", "implementation_version": "1", "description": "", "disable_environment": {"NO_PLANTED": "1"}}}`,
		} {
			dir := filepath.Join(cwd, folder, below)
			if err := os.MkdirAll(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "planted.json"), []byte(strings.ReplaceAll(manifest, "LIBRARY", library)), 0o666); err != nil {
				t.Fatal(err)
			}
			planted++
		}
	}
	tried := 0
	try := func(environment []string, name string, args ...string) {
		t.Helper()
		c := command(name, args...)
		c.Dir = cwd
		c.Env = append(os.Environ(), append(environment, "HOSTILE_MARK="+mark)...)
		o := finish(t, c, time.Minute)
		o.calm(t, name)
		tried++
		if _, err := os.Stat(mark); err == nil {
			t.Errorf("%s %s with %q runs a planted library\n%s", name, strings.Join(args, " "), environment, o.text)
			os.Remove(mark)
		}
	}
	for _, environment := range [][]string{
		nil,
		{"HOME=" + open}, // a home that others can write to
		{"VIRTUAL_ENV=.venv"}, {"CONDA_PREFIX=venv"},
		{"VIRTUAL_ENV=" + filepath.Join(open, ".venv")}, {"CUDA_HOME=."}, {"CUDA_PATH=."},
		{"HOME=."}, {"XDG_CONFIG_HOME=."}, {"XDG_DATA_DIRS=/usr/share:."}, {"VK_ADD_DRIVER_FILES=vulkan/icd.d/planted.json"}, // of Vulkan's manifests
		{"OMPI_COMM_WORLD_SIZE=1"}, {"PMI_SIZE=1"},
	} {
		try(environment, "train-alexnet", "devices")
		try(environment, "train-alexnet", "predict", "--checkpoint", w.checkpoint, w.picture)
		try(environment, "prep-imagenet", "shard", "--in", w.pictures, "--split", "val", "--limit", "3", "--size", "32", "--codec", "jpeg", "--out", filepath.Join(t.TempDir(), "out"))
	}
	try([]string{"OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_RANK=0"}, "compute-pca", "--shards", w.train, "--rank-timeout", "1s", "--out", filepath.Join(t.TempDir(), "pca.json"))
	t.Logf("%d planted libraries, %d commands", planted, tried)
}

// A link that lies where a temporary or a final file goes leads nowhere, and what it
// points at stays.
func TestPlantedLinks(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	const text = "precious\n"
	if err := os.WriteFile(victim, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for i, c := range []struct {
		out     string   // in a folder of its own
		command []string // OUT stands for it
	}{
		{"pca.json", []string{"compute-pca", "--shards", w.train, "--out", "OUT"}},
		{"mean.png", []string{"compute-pca", "--shards", w.train, "--out", "OUT.json", "--mean-image", "OUT"}},
		{"net.onnx", []string{"train-alexnet", "export", "--checkpoint", w.checkpoint, "--onnx", "OUT"}},
		{"sheet.png", []string{"train-alexnet", "predict", "--checkpoint", w.checkpoint, "--sheet", "OUT", w.picture}},
		{"features.npy", []string{"train-alexnet", "features", "--checkpoint", w.checkpoint, "--layer", "fc3", "--out", "OUT", w.picture}},
		{"contact.png", []string{"prep-imagenet", "inspect", w.val, "--sheet", "OUT"}},
	} {
		folder := filepath.Join(dir, string(rune('a'+i)))
		if err := os.Mkdir(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(folder, c.out)
		for _, suffix := range []string{".tmp", ".part", "~", ".new"} {
			if err := os.Symlink(victim, out+suffix); err != nil {
				t.Fatal(err)
			}
		}
		args := make([]string, len(c.command))
		for i, word := range c.command {
			args[i] = strings.ReplaceAll(word, "OUT", out)
		}
		o := finish(t, command(args[0], args[1:]...), time.Minute)
		o.calm(t, c.out)
		tried++
		if got, err := os.ReadFile(victim); err != nil || string(got) != text {
			t.Fatalf("%v: the victim holds %d bytes now, %v\n%s", args, len(got), err, o.text)
		}
		if info, err := os.Stat(out); o.code == 0 && (err != nil || !info.Mode().IsRegular() || info.Size() == 0) {
			t.Errorf("%v: exit code 0 and no result: %v", args, err)
		}
		if o.code != 0 {
			t.Logf("%s is refused: %.200s", c.out, o.text)
		}
	}
	// Devices aren't replaced, even for root.
	null, err := os.Stat("/dev/null")
	if err != nil {
		t.Skip(err)
	}
	for _, c := range [][]string{
		{"compute-pca", "--shards", w.train, "--out", "/dev/null"},
		{"train-alexnet", "export", "--checkpoint", w.checkpoint, "--onnx", "/dev/null"},
		{"train-alexnet", "predict", "--checkpoint", w.checkpoint, "--sheet", "/dev/null", w.picture},
	} {
		o := finish(t, command(c[0], c[1:]...), time.Minute)
		o.calm(t, c[0]+" to /dev/null")
		tried++
		if now, err := os.Stat("/dev/null"); err != nil || now.Mode() != null.Mode() {
			t.Fatalf("%v has replaced /dev/null: %v", c, now.Mode())
		}
	}
	// The run folder of a training.
	run := filepath.Join(dir, "run")
	if err := os.MkdirAll(filepath.Join(run, "checkpoints"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"run.json", "metrics.jsonl", "curve.png", "kernels.png", "guesses.png", "report.html", "checkpoints/best.safetensors", "checkpoints/step-000000003.safetensors"} {
		for _, suffix := range []string{".tmp", ".part"} {
			if err := os.Symlink(victim, filepath.Join(run, name+suffix)); err != nil {
				t.Fatal(err)
			}
		}
	}
	o := finish(t, command("train-alexnet", "--train", w.train, "--val", w.val, "--net", w.net, "--run", run, "--batch", "12", "--steps", "3"), time.Minute)
	o.calm(t, "training")
	if got, err := os.ReadFile(victim); err != nil || string(got) != text || o.code != 0 {
		t.Errorf("training: exit code %d, the victim holds %q, %v\n%s", o.code, got, err, o.text)
	}
	t.Logf("%d commands and a training", tried)
}
