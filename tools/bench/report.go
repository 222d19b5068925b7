package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/cpu"
)

// report is the table, and the output of --json.
type report struct {
	Date     string   `json:"date"`
	Machine  string   `json:"machine"`
	Images   int      `json:"images"`
	Batch    int      `json:"batch"`
	Workers  int      `json:"workers"`
	Rounds   int      `json:"rounds"`
	Seconds  float64  `json:"seconds"` // of a turn
	Results  []result `json:"results"`
	baseline string
}

// result is the result of one contestant.
type result struct {
	Name         string    `json:"name"`
	ImagesPerSec float64   `json:"images_per_s"`     // median of the rounds
	CPUMicros    float64   `json:"cpu_microseconds"` // an image, median
	Rates        []float64 `json:"rates"`            // images/s of each round
	OwnMicros    float64   `json:"own_microseconds"` // the part of our Python process, an image
	FirstBatch   float64   `json:"first_batch_s"`    // for our loader, from its start, median
	Note         string    `json:"note,omitempty"`   // a difference of its work
	Error        string    `json:"error,omitempty"`  // why it has no figure
	micros, own  []float64 // of each round
	first        []float64
}

func newReport(j *loaderJob) *report {
	avx := ""
	if cpu.X86.HasAVX2 {
		avx = ", AVX2"
	}
	return &report{
		Date:    time.Now().UTC().Format("2006-01-02"),
		Machine: fmt.Sprintf("%s/%s, %d cores%s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), avx, runtime.Version()),
		Images:  j.limit, Batch: j.batch, Workers: j.workers, Rounds: j.rounds, Seconds: j.time.Seconds(),
		baseline: "torchvision",
	}
}

// add counts one turn.
func (r *report) add(name string, t turn, err error) {
	x := &r.Results[slices.IndexFunc(r.Results, func(x result) bool { return x.Name == name })]
	if err == nil && (t.Images == 0 || t.Seconds <= 0) {
		err = errors.New("a turn without a picture")
	}
	if err != nil {
		x.Error = err.Error()
		return
	}
	x.Note = t.Note
	x.Rates = append(x.Rates, float64(t.Images)/t.Seconds)
	x.micros = append(x.micros, 1e6*t.CPUSeconds/float64(t.Images))
	x.own = append(x.own, 1e6*t.OwnSeconds/float64(t.Images))
	x.first = append(x.first, t.First)
	x.ImagesPerSec, x.CPUMicros, x.OwnMicros, x.FirstBatch = median(x.Rates), median(x.micros), median(x.own), median(x.first)
}

// median is the middle value, or the mean of the two middle ones.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// print writes a Markdown table of rates, and their ratios to torchvision's.
func (r *report) print(w io.Writer) error {
	base := result{}
	if i := slices.IndexFunc(r.Results, func(x result) bool { return x.Name == r.baseline }); i >= 0 {
		base = r.Results[i]
	}
	fmt.Fprintf(w, "%s; %s; %d pictures, batch %d, %d workers; medians of %d turns of %g s\n\n",
		r.Date, r.Machine, r.Images, r.Batch, r.Workers, r.Rounds, r.Seconds)
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', tabwriter.Debug)
	ratio := func(a, b float64) string {
		if a == 0 || b == 0 {
			return "–"
		}
		return fmt.Sprintf("%.1f", a/b)
	}
	fmt.Fprintf(t, "| loader\t images/s\t µs of CPU an image\t × %s, by time\t × by CPU\t first batch, s\t notes\t\n", r.baseline)
	fmt.Fprintf(t, "|---\t ---:\t ---:\t ---:\t ---:\t ---:\t ---\t\n")
	for _, x := range r.Results {
		note := x.Note
		switch {
		case x.Error != "":
			note = "didn't run: " + x.Error
		case len(x.Rates) == 0:
			note = "had no turn"
		}
		if x.OwnMicros > 0 {
			note = fmt.Sprintf("Python itself %.1f µs an image", x.OwnMicros)
		}
		first := "–"
		if x.FirstBatch > 0 {
			first = fmt.Sprintf("%.2f", x.FirstBatch)
		}
		fmt.Fprintf(t, "| %s\t %.0f\t %.0f\t %s\t %s\t %s\t %s\t\n", x.Name, x.ImagesPerSec, x.CPUMicros,
			ratio(x.ImagesPerSec, base.ImagesPerSec), ratio(base.CPUMicros, x.CPUMicros), first, note)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return r.printPairs(w)
}

// pairs lists our programs with the peers that they are compared with.
var pairs = []struct{ ours, other string }{
	{"ours, raw", "bound of raw: copies of crops"},
	{"ours, lossless", "bound of lossless: Huffman decoding"},
	{"ours, jpeg", "bound of jpeg: libjpeg-turbo"},
	{"ours, raw, 1.28 M", "ours, raw"},
	{"ours, lossless, 1.28 M", "ours, lossless"},
	{"ours, jpeg, 1.28 M", "ours, jpeg"},
	{"ours, raw", "ffcv-raw"},
	{"ours, jpeg", "ffcv-jpeg"},
	{"ours, jpeg", "dali"},
	{"python-raw", "ours, raw"},
	{"python-lossless", "ours, lossless"},
	{"python-jpeg", "ours, jpeg"},
	{"python-raw", "ffcv-raw"},
	{"python-jpeg", "ffcv-jpeg"},
	{"python-jpeg", "dali"},
	{"python-jpeg", "datago"},
	{"python-jpeg", "litdata"},
	{"python-jpeg", "spdl"},
	{"python-jpeg", "streaming"},
	{"python-jpeg", "webdataset"},
	{"python-jpeg", "torchvision"},
	{"ours, raw", "torchvision"},
}

// printPairs writes the medians of the ratios within each round. A machine that is busy
// in some rounds changes them less than the rates.
func (r *report) printPairs(w io.Writer) error {
	rates := map[string][]float64{}
	for _, x := range r.Results {
		rates[x.Name] = x.Rates
	}
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', tabwriter.Debug)
	fmt.Fprintf(t, "\n| within a round\t times\t least and most\t\n|---\t ---:\t ---\t\n")
	for _, p := range pairs {
		var ratios []float64
		for i, rate := range rates[p.ours] {
			if other := rates[p.other]; i < len(other) {
				ratios = append(ratios, rate/other[i])
			}
		}
		if len(ratios) > 0 {
			fmt.Fprintf(t, "| %s / %s\t %.2f\t %.2f – %.2f\t\n", p.ours, p.other, median(ratios), slices.Min(ratios), slices.Max(ratios))
		}
	}
	return t.Flush()
}
