// Command demo makes a synthetic set, shards, colour statistics, a trained
// alexnet-mini, its evaluation and a report, through the three commands, on the CPU.
// It builds the commands unless --bin names a folder with them. So one line is enough
// on any system with Go:
//
//	go run ./tools/demo
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

func main() {
	bin := flag.String("bin", "", "`DIR` of the built commands; without it they are built first")
	out := flag.String("out", filepath.Join("build", "demo"), "`DIR` that receives everything; what it holds is removed")
	flag.Parse()
	if err := run(*bin, *out); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// step is a title and the commands below it; the first word is a program.
type step struct {
	title    string
	commands []string
}

// steps are the demo's. OUT/ stands for the folder of results.
var steps = []step{
	{"render a synthetic set: ten textures, 2,000 pictures to train on, 500 to validate", []string{
		"prep-imagenet sample --out OUT/practice --per-class 200",
	}},
	{"make shards of 72-pixel squares", []string{
		"prep-imagenet shard --in OUT/practice/train --out OUT/shards/train --size 72",
		"prep-imagenet shard --in OUT/practice/val --out OUT/shards/val --size 72 --split val",
		"prep-imagenet inspect --sheet OUT/sheet.png OUT/shards/train",
	}},
	{"find the colour axes", []string{
		"compute-pca --shards OUT/shards/train --out OUT/pca.json",
	}},
	{"train alexnet-mini", []string{
		"train-alexnet --train OUT/shards/train --val OUT/shards/val --pca OUT/pca.json --run OUT/run --net alexnet-mini" +
			" --recipe small --input-scale 0.02 --warmup 100 --lr 0.005 --schedule plateau --epochs 20 --log-every 50",
	}},
	{"evaluate the best checkpoint: centre crop, then ten crops", []string{
		"train-alexnet eval --checkpoint OUT/run/checkpoints/best.safetensors --data OUT/shards/val",
		"train-alexnet eval --checkpoint OUT/run/checkpoints/best.safetensors --data OUT/shards/val --ten-crop",
	}},
}

func run(bin, out string) error {
	if bin == "" {
		temp, err := os.MkdirTemp("", "demo")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		bin = temp
		build := exec.Command("go", "build", "-trimpath", "-o", bin+string(filepath.Separator),
			"alexnet/tools/prep-imagenet", "alexnet/tools/compute-pca", "alexnet/tools/train-alexnet")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stdout, build.Stderr = os.Stdout, os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build the commands: %w", err)
		}
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	for i, s := range steps {
		fmt.Printf("\n== %d/%d %s\n", i+1, len(steps), s.title)
		for _, line := range s.commands {
			c, err := command(bin, out, line)
			if err != nil {
				return err
			}
			typed := strings.Join(append([]string{filepath.Base(c.Path)}, c.Args[1:]...), " ")
			fmt.Println("$", typed)
			c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
			if err := c.Run(); err != nil {
				return fmt.Errorf("%s: %w", typed, err)
			}
		}
	}
	fmt.Printf("\nThe report is %s; the pictures of the training set are in %s.\n",
		filepath.Join(out, "run", "report.html"), filepath.Join(out, "sheet.png"))
	return nil
}

// command makes the command of a line, with this system's paths.
func command(bin, out, line string) (*exec.Cmd, error) {
	words := strings.Fields(line)
	for i, w := range words {
		if path, ok := strings.CutPrefix(w, "OUT/"); ok {
			words[i] = filepath.Join(out, filepath.FromSlash(path))
		}
	}
	program := words[0]
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	path, err := filepath.Abs(filepath.Join(bin, program))
	return exec.Command(path, words[1:]...), err
}
