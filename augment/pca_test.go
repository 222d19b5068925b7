package augment

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// golden is testdata/golden.json, made by golden.py.
type goldenFile struct {
	PCA     PCA
	Streams []struct {
		Seed, Epoch, Sample uint64
		X, Y                int
		Flip                bool
		Norm                [3]float64
	}
}

func readGolden(t *testing.T) (g goldenFile) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// goldenPixels are the pixels that golden.py computes.
func goldenPixels() []byte {
	var rgb []byte
	for i := range 5000 {
		r := (i*i*7 + i*13) % 251
		g := (r*3 + i*5) / 4 % 256
		b := (2*r + g + i%17) / 3 % 256
		rgb = append(rgb, byte(r), byte(g), byte(b))
	}
	return rgb
}

func TestPCAAgreesWithNumpy(t *testing.T) {
	want := readGolden(t).PCA
	var s Sums
	s.Add(goldenPixels())
	got, err := FromSums(s)
	if err != nil {
		t.Fatal(err)
	}
	if got.Units != want.Units || got.Pixels != want.Pixels {
		t.Errorf("units %q, pixels %d; want %q, %d", got.Units, got.Pixels, want.Units, want.Pixels)
	}
	// numpy subtracts the rounded mean from 5,000 values: about 1e-12 of the
	// variance. Eigenvectors lose another factor λ₀/(λ₀−λ₁) ≈ 3.
	close := func(name string, got, want, scale float64) {
		if math.Abs(got-want) > 1e-12*scale {
			t.Errorf("%s: %v, numpy has %v", name, got, want)
		}
	}
	for i := range 3 {
		close("mean", got.Mean[i], want.Mean[i], 255)
		close("eigenvalue", got.Eigenvalues[i], want.Eigenvalues[i], want.Eigenvalues[0])
		for j := range 3 {
			close("covariance", got.Covariance[i][j], want.Covariance[i][j], want.Eigenvalues[0])
			close("eigenvector", got.Eigenvectors[i][j], want.Eigenvectors[i][j], 3)
		}
	}
}

func TestFromSumsLiteral(t *testing.T) {
	var grey, red Sums
	grey.Add([]byte{0, 0, 0, 100, 100, 100})
	red.Add([]byte{10, 7, 7, 30, 7, 7})
	for name, c := range map[string]struct {
		sums   Sums
		lambda float64
		axis   [3]float64
	}{
		"grey": {grey, 7500, [3]float64{1 / math.Sqrt(3), 1 / math.Sqrt(3), 1 / math.Sqrt(3)}},
		"red":  {red, 100, [3]float64{1, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := FromSums(c.sums)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(p.Eigenvalues[0]-c.lambda) > 1e-9 || p.Eigenvalues[1] > 1e-9 {
				t.Errorf("eigenvalues %v, want %v, 0, 0", p.Eigenvalues, c.lambda)
			}
			for i, want := range c.axis {
				if math.Abs(p.Eigenvectors[0][i]-want) > 1e-14 {
					t.Errorf("first axis %v, want %v", p.Eigenvectors[0], c.axis)
				}
			}
		})
	}
}

func TestFromSumsErrors(t *testing.T) {
	if _, err := FromSums(Sums{}); err == nil {
		t.Error("no pixels: no error")
	}
	var s Sums
	s.Add([]byte{1, 2, 3, 1, 2, 3})
	if _, err := FromSums(s); !errors.Is(err, ErrOneColour) {
		t.Errorf("one colour: %v", err)
	}
	s.Sum[0], s.Products[0][0] = 5000, 1 // no bytes add up to this
	if _, err := FromSums(s); err == nil {
		t.Error("impossible sums: no error")
	}
}

func TestValidate(t *testing.T) {
	good := readGolden(t).PCA
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want string
		harm func(*PCA)
	}{
		{"units", func(p *PCA) { p.Units = "0-1" }},
		{"mean[1]", func(p *PCA) { p.Mean[1] = 256 }},
		{"mean[2]", func(p *PCA) { p.Mean[2] = math.NaN() }},
		{"eigenvalues[2]", func(p *PCA) { p.Eigenvalues[2] = -1 }},
		{"eigenvalues[0]", func(p *PCA) { p.Eigenvalues[0] = math.Inf(1) }},
		{"descending", func(p *PCA) {
			e, v := &p.Eigenvalues, &p.Eigenvectors
			e[0], e[1] = e[1], e[0]
			v[0], v[1] = v[1], v[0]
		}},
		{"eigenvectors[1] has length", func(p *PCA) { p.Eigenvectors[1][0] *= 1.001 }},
		{"eigenvectors[0] has length", func(p *PCA) { p.Eigenvectors[0][0] = math.NaN() }},
		{"not orthogonal", func(p *PCA) { p.Eigenvectors[1] = p.Eigenvectors[0] }},
		{"largest component positive", func(p *PCA) {
			for i := range 3 {
				p.Eigenvectors[2][i] *= -1
			}
		}},
		{"symmetric", func(p *PCA) { p.Covariance[0][1]++ }},
		{"not an axis", func(p *PCA) { p.Eigenvectors = [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}} }},
		{"not an axis", func(p *PCA) { p.Eigenvalues[0] += 10 }},
	} {
		p := good
		c.harm(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one about %q", err, c.want)
		}
	}
}

func TestReadPCA(t *testing.T) {
	good := readGolden(t).PCA
	path := filepath.Join(t.TempDir(), "pca.json")
	text, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(string(text))
	if got, err := ReadPCA(path); err != nil || got != good {
		t.Errorf("read %+v, %v; want %+v", got, err, good)
	}
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {"", "not a pca.json"},
		"not JSON":       {"colours", "not a pca.json"},
		"other JSON":     {"{}", "mean has 0 numbers"},
		"a list":         {"[]", "not a pca.json: is a list, want an object"},
		"a key twice":    {`{"mean":[1,2,3],"mean":[3,2,1]}`, "not a pca.json: mean is there twice"},
		"other units":    {`{"units":"0-1","mean":[1,2,3],"eigenvalues":[1,1,1],"covariance":[[1,0,0],[0,1,0],[0,0,1]],"eigenvectors":[[1,0,0],[0,1,0],[0,0,1]]}`, "units"},
		"two means":      {`{"mean":[1,2]}`, "mean has 2 numbers, want 3"},
		"four means":     {`{"mean":[1,2,3,4]}`, "mean has 4 numbers, want 3"},
		"short row":      {`{"mean":[1,2,3],"eigenvalues":[1,1,1],"covariance":[[1,2,3],[1,2],[1,2,3]]}`, "covariance[1] has 2 numbers"},
		"two rows":       {`{"mean":[1,2,3],"eigenvalues":[1,1,1],"covariance":[[1,0,0],[0,1,0],[0,0,1]],"eigenvectors":[[1,2,3],[1,2,3]]}`, "eigenvectors has 2 rows"},
		"text in a list": {`{"eigenvalues":["a",2,3]}`, "not a pca.json"},
		"nothing":        {"-", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			if write(c.text); c.text == "-" {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			_, err := ReadPCA(path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one about %q", err, c.want)
			}
			if strings.Count(err.Error(), path) != 2 || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), "compute-pca") {
				t.Errorf("error %q does not name the file and what to do", err)
			}
		})
	}
}
