package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"alexnet/internal/file"
)

// seed is what one seed of Imagenette came to: top-1 error on the validation set
// after the last pass, a fraction.
type seed struct {
	Ours    float64 `json:"ours"`
	PyTorch float64 `json:"pytorch"` // 0 where it could not be trained
}

// imagenette trains the full net with ours and with PyTorch by the same recipe: the
// values of both command lines are the same, and so are net, first weights, update
// rule, dropout, crops and noise in distribution.
func imagenette(number int) func(context.Context, *kit, *part) error {
	return func(ctx context.Context, k *kit, p *part) error {
		if k.train == "" || k.val == "" || k.pca == "" {
			return skipped("no shards: give -train, -val and -pca")
		}
		recipe := []string{"--train", k.train, "--val", k.val, "--pca", k.pca, "--seed", fmt.Sprint(number), "--epochs", fmt.Sprint(k.epochs),
			"--net", "alexnet", "--batch", "32", "--lr", "0.01", "--warmup", "100", "--input-scale", "0.015625", "--precision", "bf16"}
		p.Seed = new(seed)
		train := func(who string, to *float64, program string, args ...string) error {
			run := filepath.Join(k.out, fmt.Sprintf("imagenette-%s-%d", who, number))
			if err := os.RemoveAll(run); err != nil {
				return err
			}
			if _, err := p.log(ctx, k, program, k.cast(append(append(args, recipe...), "--run", run))...); err != nil {
				return err
			}
			var err error
			*to, err = lastError(filepath.Join(run, "metrics.jsonl"))
			return err
		}
		err := errors.Join(
			train("ours", &p.Seed.Ours, "train-alexnet", "--init", "he", "--schedule", "cosine", "--devices", "cuda:0"),
			train("torch", &p.Seed.PyTorch, k.python, filepath.Join(k.dir, "imagenette_torch.py"), "--device", "cuda"))
		p.Detail = fmt.Sprintf("top-1 error: ours %.2f %%, PyTorch %.2f %%", 100*p.Seed.Ours, 100*p.Seed.PyTorch)
		return err
	}
}

// lastError is the top-1 error of the last validation in a run's metrics.
func lastError(path string) (float64, error) {
	f, err := file.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	last := -1.0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var m struct {
			Split string  `json:"split"`
			Error float64 `json:"top1_error"`
		}
		if json.Unmarshal(lines.Bytes(), &m) == nil && m.Split == "val" {
			last = m.Error
		}
	}
	if last < 0 {
		return 0, fmt.Errorf("%s has no validation", path)
	}
	return last, nil
}
