package infer

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	imagedraw "image/draw"
	"image/png"
	"io"
	"math"
	"path/filepath"

	scale "golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"alexnet/internal/file"
)

// SheetGuesses is the largest number of guesses below a picture of a sheet.
const SheetGuesses = 5

// Sizes of a sheet in pixels.
const (
	sheetColumns = 5
	sheetSide    = 192 // of a picture, and the width of a cell
	sheetGap     = 16
	sheetRow     = 20 // of a guess and of the caption
)

// Sheet shows pictures with their best guesses, as figure 4 of the paper does.
type Sheet struct {
	Size    int // pixels a side of the crops
	Columns int // at most; 0 is five
	Cells   []Cell
}

// Cell is one picture: its name, the crop that the net read, and at most SheetGuesses
// guesses.
type Cell struct {
	Name    string
	Crop    []byte // (Size, Size, 3) of RGB
	Guesses []Guess
	Right   []bool // whether each guess is right; nil if that is not known
}

// RightBar is the colour of the right class's bar.
var RightBar = color.RGBA{R: 0x93, G: 0xc9, B: 0xa0, A: 0xff}

var (
	bestBar  = color.RGBA{R: 0x8f, G: 0xb8, B: 0xe8, A: 0xff}
	otherBar = color.RGBA{R: 0xd5, G: 0xe2, B: 0xf2, A: 0xff}
)

// Draw draws the sheet.
func (s *Sheet) Draw() (image.Image, error) {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 13, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, err
	}
	columns := min(cmp.Or(s.Columns, sheetColumns), len(s.Cells))
	rows := (len(s.Cells) + columns - 1) / columns
	pitchX, pitchY := sheetSide+sheetGap, sheetSide+(1+SheetGuesses)*sheetRow+sheetGap
	img := image.NewRGBA(image.Rect(0, 0, columns*pitchX+sheetGap, rows*pitchY+sheetGap))
	imagedraw.Draw(img, img.Bounds(), image.White, image.Point{}, imagedraw.Src)
	for i, c := range s.Cells {
		s.cell(img, face, sheetGap+i%columns*pitchX, sheetGap+i/columns*pitchY, c)
	}
	return img, nil
}

// Write draws the sheet to a PNG file.
func (s *Sheet) Write(path string) error {
	img, err := s.Draw()
	if err != nil {
		return err
	}
	return file.Write(path, func(w io.Writer) error { return png.Encode(w, img) })
}

func (s *Sheet) cell(img *image.RGBA, face font.Face, x, y int, c Cell) {
	writeText(img, face, x, y, sheetSide, filepath.Base(c.Name), color.Gray{Y: 0x60})
	y += sheetRow
	scale.CatmullRom.Scale(img, image.Rect(x, y, x+sheetSide, y+sheetSide), rgbImage(c.Crop, s.Size), image.Rect(0, 0, s.Size, s.Size), imagedraw.Src, nil)
	y += sheetSide
	for i, g := range c.Guesses {
		bar := otherBar
		switch {
		case i < len(c.Right) && c.Right[i]:
			bar = RightBar
		case i == 0:
			bar = bestBar
		}
		width := int(math.Round(g.Probability * sheetSide))
		imagedraw.Draw(img, image.Rect(x, y+1, x+width, y+sheetRow-1), image.NewUniform(bar), image.Point{}, imagedraw.Src)
		percent := fmt.Sprintf("%.1f %%", 100*g.Probability)
		right := font.MeasureString(face, percent).Ceil()
		writeText(img, face, x+sheetSide-right-3, y, right, percent, color.Black)
		writeText(img, face, x+4, y, sheetSide-right-12, g.String(), color.Black)
		y += sheetRow
	}
}

// rgbImage returns an (n, n, 3) picture as an image.
func rgbImage(rgb []byte, n int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, n, n))
	for i := range n * n {
		copy(img.Pix[4*i:], rgb[3*i:3*i+3])
		img.Pix[4*i+3] = 0xff
	}
	return img
}

// writeText writes a line below y, shortened to width pixels.
func writeText(dst imagedraw.Image, face font.Face, x, y, width int, text string, c color.Color) {
	runes := []rune(text)
	if len(runes) > width { // hardly any letter is narrower than a pixel
		runes = runes[:max(width, 0)]
		text = string(runes) + "…"
	}
	for font.MeasureString(face, text).Ceil() > width && len(runes) > 0 {
		runes = runes[:len(runes)-1]
		text = string(runes) + "…"
	}
	d := font.Drawer{Dst: dst, Src: image.NewUniform(c), Face: face, Dot: fixed.P(x, y+sheetRow-6)}
	d.DrawString(text)
}
