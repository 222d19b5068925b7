package decode

import "image/color"

// Description holds the facts of a picture file's header.
type Description struct {
	Format        string // "JPEG", "PNG", …
	Width, Height int    // as stored, before it is turned upright
	Grey, CMYK    bool
	Turned        bool // EXIF or TIFF asks for it to be turned or mirrored
	// Memory estimates the most bytes that decoding the picture takes, besides the
	// file itself.
	Memory int64
}

// Describe reads a picture file's header. A file that it can describe may still
// be damaged further on.
func Describe(file []byte) (d Description, err error) {
	f, err := identify(file)
	if err != nil {
		return d, err
	}
	c, memory, err := measure(f, file)
	if err != nil {
		return d, err
	}
	return Description{
		Format: f.name,
		Width:  c.Width, Height: c.Height,
		Grey:   c.ColorModel == color.GrayModel || c.ColorModel == color.Gray16Model,
		CMYK:   c.ColorModel == color.CMYKModel,
		Turned: orientation(f.name, file) != 1,
		Memory: memory,
	}, nil
}
