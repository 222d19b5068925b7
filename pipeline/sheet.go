package pipeline

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// SheetConfig is the configuration of a contact sheet. The zero value shows eight
// pictures of every class, 96 pixels a side.
type SheetConfig struct {
	PerClass int // pictures a row; 0 means 8
	Side     int // pixels a side that a picture is shown with; 0 means 96
	Classes  int // rows at most; 0 means 100
}

const (
	sheetGap  = 4   // pixels between pictures
	sheetText = 160 // width of the column of names
)

// Sheet draws a contact sheet of a dataset. Each row shows one class: its name on the
// left, then its first pictures in stored order.
func Sheet(d *Dataset, cfg SheetConfig) (*image.NRGBA, error) {
	if cfg.PerClass == 0 {
		cfg.PerClass = 8
	}
	if cfg.Side == 0 {
		cfg.Side = 96
	}
	if cfg.Classes == 0 {
		cfg.Classes = 100
	}
	face, err := sheetFace()
	if err != nil {
		return nil, err
	}
	m := d.Meta()
	rows := min(len(m.Classes), cfg.Classes)
	pitch := cfg.Side + sheetGap
	sheet := image.NewNRGBA(image.Rect(0, 0, sheetText+cfg.PerClass*pitch+sheetGap, rows*pitch+sheetGap))
	draw.Draw(sheet, sheet.Bounds(), image.White, image.Point{}, draw.Src)
	for label, c := range m.Classes[:rows] {
		middle := label*pitch + sheetGap + cfg.Side/2
		drawText(sheet, face, sheetGap, middle, sheetText-2*sheetGap, c.ID, color.Black)
		if c.Name != "" && c.Name != c.ID {
			drawText(sheet, face, sheetGap, middle+16, sheetText-2*sheetGap, c.Name, color.Gray{96})
		}
	}
	return sheet, fillSheet(sheet, d, cfg, rows, pitch)
}

// fillSheet draws the pictures, reading samples until all rows are full.
func fillSheet(sheet *image.NRGBA, d *Dataset, cfg SheetConfig, rows, pitch int) error {
	size := d.Meta().Size
	dec := d.Codec().NewDecoder(size)
	rgb := make([]byte, size*size*3)
	shown := make([]int, len(d.Meta().Classes))
	missing := rows * cfg.PerClass
	for i := 0; i < d.Len() && missing > 0; i++ {
		s, err := d.Sample(i)
		if err != nil {
			return err
		}
		if s.Label >= rows || shown[s.Label] == cfg.PerClass {
			continue
		}
		if err := dec.Decode(rgb, s.Image); err != nil {
			return fmt.Errorf("sample %d, %s: %w", i, s.Name, err)
		}
		x := sheetText + shown[s.Label]*pitch
		y := s.Label*pitch + sheetGap
		drawPicture(sheet, x, y, cfg.Side, rgb, size)
		shown[s.Label]++
		missing--
	}
	return nil
}

// drawPicture draws rgb (size×size×3) at (x, y) as side×side pixels; each is the mean of
// the pixels that it covers.
func drawPicture(dst *image.NRGBA, x, y, side int, rgb []byte, size int) {
	for j := range side {
		y0, y1 := j*size/side, max((j+1)*size/side, j*size/side+1)
		for i := range side {
			x0, x1 := i*size/side, max((i+1)*size/side, i*size/side+1)
			var sum [3]int
			for yy := y0; yy < y1; yy++ {
				for xx := x0; xx < x1; xx++ {
					for k := range sum {
						sum[k] += int(rgb[(yy*size+xx)*3+k])
					}
				}
			}
			n := (y1 - y0) * (x1 - x0)
			dst.SetNRGBA(x+i, y+j, color.NRGBA{byte(sum[0] / n), byte(sum[1] / n), byte(sum[2] / n), 255})
		}
	}
}

// sheetFace is Go's own font at 13 pixels, embedded in the program.
var sheetFace = sync.OnceValues(func() (font.Face, error) {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: 13, DPI: 72, Hinting: font.HintingFull})
})

// drawText writes text with its baseline at y, shortened to width pixels.
func drawText(dst draw.Image, face font.Face, x, y, width int, text string, c color.Color) {
	runes := []rune(text)
	if len(runes) > width { // hardly any letter is narrower than a pixel
		runes = runes[:max(width, 0)]
		text = string(runes) + "…"
	}
	for font.MeasureString(face, text).Ceil() > width && len(runes) > 0 {
		runes = runes[:len(runes)-1]
		text = string(runes) + "…"
	}
	(&font.Drawer{Dst: dst, Src: image.NewUniform(c), Face: face, Dot: fixed.P(x, y)}).DrawString(text)
}
