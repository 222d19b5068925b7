package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"path/filepath"
	"strings"

	"alexnet/augment"
	"alexnet/internal/file"
)

// writeJSON writes pca.json.
func writeJSON(path string, p augment.PCA) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(text, '\n'))
}

// writeMean writes the mean picture as a PNG, rounded, and its values beside
// it. It returns the files' names.
func writeMean(path string, mean *augment.MeanImage) ([]string, error) {
	values := mean.Mean()
	var b bytes.Buffer
	if err := png.Encode(&b, rounded(values, mean.Size)); err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	if err := writeFile(path, b.Bytes()); err != nil {
		return nil, err
	}
	array := meanValues(path)
	return []string{path, array}, writeFile(array, npy(values, mean.Size))
}

// meanValues names the file of the values beside the mean picture.
func meanValues(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + ".npy" }

// rounded returns a picture of size×size RGB values.
func rounded(values []float32, size int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, size, size))
	for i := range size * size {
		for c := range 3 {
			m.Pix[4*i+c] = uint8(values[3*i+c] + 0.5)
		}
		m.Pix[4*i+3] = 255
	}
	return m
}

// npy returns a file in NumPy's format, version 1.0, with an array of float32 of shape
// (size, size, 3): magic, version, length of the header, header (padded so that the
// values begin at a multiple of 64 bytes), values.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
func npy(values []float32, size int) []byte {
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d, 3), }", size, size)
	const fixed = 10 // bytes before the header
	padding := 63 - (fixed+len(header))%64
	header += strings.Repeat(" ", padding) + "\n"
	out := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	out = append(out, header...)
	out, err := binary.Append(out, binary.LittleEndian, values)
	if err != nil {
		panic(err) // float32 has a fixed size
	}
	return out
}

// writeFile writes a file that gets its name only when it is complete and synced.
func writeFile(path string, data []byte) error {
	err := file.WriteAll(path, data)
	if err != nil {
		return file.Doing("write "+path, err)
	}
	return nil
}
