package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"alexnet/engine/train/bench"
	"alexnet/tools/internal/ranks/rankstest"
)

// BenchmarkLinks prints what bench says of the whole net on two ranks, each on a
// host of its own, by the rate of their links: a table for docs/scale/model.md.
//
//	go test -run '^$' -bench Links -benchtime 1x -timeout 1h ./tools/train-alexnet
func BenchmarkLinks(b *testing.B) {
	fmt.Println("| link | batch of both | form | sent by a rank | step | step without exchanges | exchanges alone | hidden | images/s |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	hosts := rankstest.NewHosts(b, 2)
	for _, rate := range []int{1000, 10000} {
		hosts.Limit(rate)
		for _, batch := range []int{32, 128} {
			for _, form := range []struct{ parallel, wire string }{{"data", "fp32"}, {"data", "bf16"}, {"hybrid", "fp32"}} {
				out, err := hosts.Run(b, rankstest.HostLaunchers[0], 1, "bench", "--batch", fmt.Sprint(batch), "--parallel", form.parallel, "--wire", form.wire,
					"--devices", "cpu", "--threads", "1", "--steps", "3", "--json")
				if err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
				var r bench.Result
				if err := json.Unmarshal([]byte(out[strings.Index(out, "{"):]), &r); err != nil || r.Ranks == nil {
					b.Fatalf("%v\n%s", err, out)
				}
				fmt.Printf("| %d Gbit/s | %d | %s, %s | %.1f MB | %.2f s | %.2f s | %.2f s | %.0f %% | %.1f |\n", rate/1000, batch, form.parallel, form.wire,
					r.Ranks.SentMB, r.Ranks.Step/1e3, r.Ranks.Compute/1e3, r.Ranks.Exchange/1e3, 100*r.Ranks.Hidden, r.Train)
			}
		}
	}
}
