package infer

import (
	"bufio"
	"fmt"
	"sort"
	"strings"

	"alexnet/internal/file"
	"alexnet/internal/plaintext"
)

// Guess is a class and its probability, 0–1.
type Guess struct {
	Class       string  `json:"class"` // id
	Name        string  `json:"name,omitempty"`
	Probability float64 `json:"probability"`
}

// String returns the class's name for people, or its id if it has no name.
func (g Guess) String() string {
	if g.Name != "" {
		return g.Name
	}
	return g.Class
}

// Top returns the n most probable classes, best first. Among equals the first one
// wins.
func (e *Ensemble) Top(probs []float64, n int) []Guess {
	labels := Top(probs, n)
	out := make([]Guess, 0, len(labels))
	for _, label := range labels {
		g := Guess{Class: e.classes[label], Probability: probs[label]}
		if g.Name = e.config.Names[g.Class]; g.Name == "" && e.names != nil {
			g.Name = e.names[label]
		}
		out = append(out, g)
	}
	return out
}

// Top returns the labels of the n highest probabilities, best first. Among equals the
// first one wins.
func Top[P float32 | float64](probs []P, n int) []int {
	order := make([]int, len(probs))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return probs[order[i]] > probs[order[j]] })
	return order[:min(n, len(order))]
}

// Finite reports whether all values are finite numbers.
func Finite[F float32 | float64](values []F) bool {
	for _, v := range values {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// ReadNames reads a file with a line for each class: its id, a tab or, in a line without
// tabs, a space, and its name. Kaggle's LOC_synset_mapping.txt is such a file.
func ReadNames(path string) (map[string]string, error) {
	f, err := file.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names := map[string]string{}
	text, err := plaintext.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		id, name, ok := strings.Cut(line, "\t")
		if !ok {
			id, name, ok = strings.Cut(line, " ")
		}
		if ok {
			names[strings.TrimSpace(id)] = strings.TrimSpace(name)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no line \"id name\", with a space or a tab between, in it", path)
	}
	return names, nil
}
