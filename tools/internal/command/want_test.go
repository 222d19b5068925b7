package command

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

// A value of the wrong kind is answered with what is wanted, and numbers are
// read as people write them.
func TestWant(t *testing.T) {
	var seed uint64
	var n int
	run := func(args ...string) error {
		flags := []cli.Flag{
			&cli.IntFlag{Name: "n", Destination: &n}, &cli.Uint64Flag{Name: "seed", Destination: &seed}, &cli.Float64Flag{Name: "lr"},
			&cli.DurationFlag{Name: "max-time", Value: time.Hour}, &cli.BoolFlag{Name: "deterministic"},
		}
		app := &cli.App{Name: "tool", Flags: flags, Action: func(*cli.Context) error { return nil }, Commands: []*cli.Command{
			{Name: "sub", Flags: flags, Action: func(*cli.Context) error { return nil }},
		}}
		return Run(context.Background(), app, append([]string{"tool"}, args...), io.Discard, io.Discard)
	}
	for args, want := range map[string]string{
		"--n x":                 `--n "x": want a whole number (see tool --help)`,
		"--n 1.5":               `--n "1.5": want a whole number`,
		"--seed -1":             `--seed "-1": want a whole number from 0 on`,
		"--lr high":             `--lr "high": want a number`,
		"--max-time 10":         `--max-time "10": want a time such as 90s, 10m or 8h`,
		"--deterministic=yes":   `--deterministic "yes": want true or false`,
		"sub --seed -1":         `--seed "-1": want a whole number from 0 on`,
		"sub --deterministic=x": `--deterministic "x": want true or false`,
	} {
		if err := run(strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) || Report("tool", err, io.Discard) != BadUsage {
			t.Errorf("%s: error %v, want %q", args, err, want)
		}
	}
	for _, command := range []string{"", "sub "} {
		if err := run(strings.Fields(command + "--seed 010 --n=-08")...); err != nil || seed != 10 || n != -8 {
			t.Errorf("%s: %v, seed %d, n %d; want 10 and -8", command, err, seed, n)
		}
	}
}

func TestAddress(t *testing.T) {
	for path, want := range map[string]bool{
		"https://host/net.safetensors": true, "/home/me/https:/host/cat.jpg": true, "s3://bucket/pca.json": true, "file:///cat.jpg": false,
		"cat.jpg": false, "/data/c:/x": false, "maps3:/x": false,
	} {
		err := Address(fmt.Errorf("checkpoint: %w", &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}))
		if got := strings.Contains(err.Error(), "that is an address"); got != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	if Address(nil) != nil {
		t.Error("no error became one")
	}
}
