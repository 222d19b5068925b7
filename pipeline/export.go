package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"alexnet/internal/file"
	"alexnet/internal/setting"
	"alexnet/pipeline/codec"
)

// ExportConfig holds the options of Export. To and Out are required. The comments give
// the meaning of the other fields' zero values.
type ExportConfig struct {
	To      string // "webdataset" or "folders"
	Out     string // folder: missing or empty
	Format  string // "png", "jpeg"; "": jpeg for pictures that are stored so, which are copied, and else png
	Quality int    // of JPEG that is made here; 0: codec.DefaultQuality
	PerTar  int    // samples of a tar; 0: 1,000
}

// exportFormats are the values of ExportConfig.Format. An MDS column whose encoding
// is one of them holds such files.
var exportFormats = []string{"png", "jpeg"}

// pictureEncoding is the MDS encoding of the column of pictures.
func (d *Dataset) pictureEncoding() string { return d.codec.Encoding(d.meta.Size) }

// ExportForms returns the values of ExportConfig.To.
func ExportForms() []string { return []string{"webdataset", "folders"} }

// Validate fills in the defaults for the pictures of d, and reports invalid fields.
func (c *ExportConfig) Validate(d *Dataset) error {
	if c.Format == "" {
		c.Format = "png"
		if stored := d.pictureEncoding(); slices.Contains(exportFormats, stored) {
			c.Format = stored
		}
	}
	setDefault(&c.Quality, codec.DefaultQuality)
	setDefault(&c.PerTar, 1000)
	switch {
	case !slices.Contains(ExportForms(), c.To):
		return fmt.Errorf("export to %q: choose %s", c.To, strings.Join(ExportForms(), " or "))
	case c.Out == "":
		return errors.New("no output folder: name one")
	case !slices.Contains(exportFormats, c.Format):
		return fmt.Errorf("format %q: choose %s", c.Format, strings.Join(exportFormats, " or "))
	case c.Quality < 1 || c.Quality > 100:
		return fmt.Errorf("JPEG quality %d: choose 1 to 100", c.Quality)
	case c.PerTar < 1:
		return fmt.Errorf("%d samples a tar: choose at least 1", c.PerTar)
	}
	return nil
}

// exporter writes samples in one form.
type exporter interface {
	add(i int, s *Sample, picture []byte) error
	close() error
}

// Export writes the samples of d as picture files in class folders, or as WebDataset
// tars. The bytes depend on d and cfg only. The last file that it writes to cfg.Out is
// classes.txt, the class list in label order. After an error, also when ctx is
// cancelled, it removes the files that it has written.
func Export(ctx context.Context, d *Dataset, cfg ExportConfig, progress func(done, total int)) (err error) {
	if err := cfg.Validate(d); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	made, err := emptyFolder(cfg.Out)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(explainWrite(fmt.Errorf("export: %w", err)), clearFolder(cfg.Out, made))
		}
	}()
	var to exporter
	extension := map[string]string{"png": "png", "jpeg": "jpg"}[cfg.Format]
	if cfg.To == "folders" {
		to = newFolderExporter(cfg.Out, extension, d.Meta())
	} else {
		to = &tarExporter{dir: cfg.Out, extension: extension, per: cfg.PerTar, meta: d.Meta()}
	}
	convert := newConverter(d, &cfg)
	for i := range d.Len() {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := d.Sample(i)
		if err != nil {
			return err
		}
		picture, err := convert.picture(s.Image)
		if err != nil {
			return fmt.Errorf("sample %d, %s: %w", i, s.Name, err)
		}
		if err := to.add(i, &s, picture); err != nil {
			return err
		}
		if progress != nil {
			progress(i+1, d.Len())
		}
	}
	if err := to.close(); err != nil {
		return err
	}
	return writeClasses(cfg.Out, d.Meta().Classes)
}

// emptyFolder makes dir, or checks that it is empty, and reports whether it made it.
func emptyFolder(dir string) (made bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, os.MkdirAll(dir, 0o777)
	case err != nil:
		return false, err
	case len(entries) > 0:
		return false, setting.Errorf("%s: already holds %s: choose a new folder with %s", dir, entries[0].Name(), setting.Name("out"))
	}
	return false, nil
}

// clearFolder removes the contents of dir, which was empty before, and dir itself if it
// was made.
func clearFolder(dir string, made bool) error {
	if made {
		return os.RemoveAll(dir)
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// writeClasses writes the class list that source.ReadClasses reads.
func writeClasses(dir string, classes []Class) error {
	return file.Replace(filepath.Join(dir, "classes.txt"), func(f *os.File) error {
		for _, c := range classes {
			line := c.ID
			if c.Name != "" {
				line += "\t" + c.Name
			}
			if _, err := fmt.Fprintln(f, line); err != nil {
				return err
			}
		}
		return nil
	})
}

// converter turns stored pictures into files.
type converter struct {
	copies  bool // the stored bytes are already such a file
	decoder codec.Decoder
	encoder codec.Encoder // of JPEG; nil: PNG
	img     *image.NRGBA
	rgb     []byte
	file    bytes.Buffer
}

func newConverter(d *Dataset, cfg *ExportConfig) *converter {
	size := d.Meta().Size
	c := &converter{
		copies:  cfg.Format == d.pictureEncoding(),
		decoder: d.Codec().NewDecoder(size),
		img:     image.NewNRGBA(image.Rect(0, 0, size, size)),
		rgb:     make([]byte, size*size*3),
	}
	if cfg.Format == "jpeg" {
		c.encoder = codec.JPEG{Quality: cfg.Quality}.NewEncoder(size)
	}
	return c
}

// picture returns a file, which is valid until the next call.
func (c *converter) picture(stored []byte) ([]byte, error) {
	if c.copies {
		_, err := jpeg.DecodeConfig(bytes.NewReader(stored))
		return stored, err
	}
	if err := c.decoder.Decode(c.rgb, stored); err != nil {
		return nil, err
	}
	if c.encoder != nil {
		return c.encoder.Encode(nil, c.rgb)
	}
	for i, j := 0, 0; i < len(c.rgb); i, j = i+3, j+4 {
		copy(c.img.Pix[j:], c.rgb[i:i+3])
		c.img.Pix[j+3] = 0xff
	}
	c.file.Reset()
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&c.file, c.img)
	return c.file.Bytes(), err
}

// folderExporter writes DIR/CLASS/NAME.EXTENSION.
type folderExporter struct {
	dir, extension string
	folders        []string // of each label
	taken          nameSet
}

func newFolderExporter(dir, extension string, m *Meta) *folderExporter {
	e := &folderExporter{dir: dir, extension: extension, taken: nameSet{}}
	seen := map[string]bool{}
	for label, c := range m.Classes {
		name := c.ID
		if name != filepath.Base(localName(name)) || strings.HasPrefix(name, ".") || seen[name] || name == "classes.txt" {
			name = fmt.Sprintf("class %d", label)
		}
		seen[name] = true
		e.folders = append(e.folders, name)
	}
	return e
}

func (e *folderExporter) add(i int, s *Sample, picture []byte) error {
	base := path.Base(s.Name)
	name := filepath.Base(localName(strings.TrimSuffix(base, path.Ext(base))))
	to := filepath.Join(e.folders[s.Label], name+"."+e.extension)
	if !e.taken.take(to) { // the name exists: another folder has a picture of this name
		to = filepath.Join(e.folders[s.Label], fmt.Sprintf("%s-%09d.%s", name, i, e.extension))
		e.taken.take(to)
	}
	to = filepath.Join(e.dir, to)
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	f, err := file.CreateNew(to)
	if err != nil {
		return err
	}
	_, err = f.Write(picture)
	return errors.Join(err, f.Close())
}

func (e *folderExporter) close() error { return nil }
