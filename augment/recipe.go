package augment

import (
	"encoding/json"
	"fmt"
)

// Kinds is the table of augmentations of training pictures besides random crops, mirror
// images and colour noise. They draw and are applied in the order of the table.
// Commands have a flag for each row, and the loader applies the chosen ones. A new
// augmentation is a new file and a row at the end.
var Kinds = [...]Kind{resizedCrop, jitter, erasing}

// Kind is one row of Kinds.
type Kind struct {
	Name    string // of the setting: a flag, and a key of run.json
	Usage   string // one line of help with the value's name in backquotes
	Default string // the setting that leaves it out; the empty one does so too
	Example string // a setting that changes pictures
	// Parse reads a setting; nil without an error leaves the augmentation out.
	Parse func(setting string) (Augmentation, error)
}

// Augmentation is one way to vary training pictures: a [Cropper] or a [Painter]. It
// draws from the picture's stream.
type Augmentation interface {
	// Validate reports parameters that make no sense.
	Validate() error
}

// Cropper replaces the random crop: it chooses a rectangle that is resized to the
// crop's size.
type Cropper interface {
	Augmentation
	// Draw draws a rectangle of a picture of size×size pixels.
	Draw(s *Stream, size int) Rect
}

// Painter changes the pixels of a picture that is cropped and mirrored.
type Painter interface {
	Augmentation
	Paint(s *Stream, p Picture)
}

// Picture is a square picture that a Painter changes in place.
type Picture struct {
	RGB  []byte  // (Size, Size, 3)
	Size int     // pixels a side
	Mean [3]byte // the training set's mean colour
}

// Recipe lists augmentations in the order in which they draw and are applied. A
// Cropper stands first.
type Recipe []Augmentation

// Validate reports an augmentation that is neither Cropper nor Painter, stands in the
// wrong place, or has parameters that make no sense.
func (r Recipe) Validate() error {
	for i, a := range r {
		if _, ok := a.(Cropper); ok && i > 0 {
			return fmt.Errorf("%T comes after another augmentation: put it first", a)
		} else if _, paints := a.(Painter); !ok && !paints {
			return fmt.Errorf("%T neither crops nor paints", a)
		}
		if err := a.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// Settings are a recipe as text: the setting of each row of Kinds, in the table's
// order. In JSON they are an object with the rows' names as keys.
type Settings [len(Kinds)]string

// DefaultSettings leave every augmentation out.
func DefaultSettings() (s Settings) {
	for i, k := range Kinds {
		s[i] = k.Default
	}
	return s
}

// Recipe reads the settings. Its error is a [SettingError].
func (s *Settings) Recipe() (Recipe, error) {
	var r Recipe
	for i, k := range Kinds {
		if s[i] == "" || s[i] == k.Default {
			continue
		}
		a, err := k.Parse(s[i])
		if err == nil && a != nil {
			err = a.Validate()
		}
		if err != nil {
			return nil, &SettingError{k.Name, s[i], err}
		}
		if a != nil {
			r = append(r, a)
		}
	}
	return r, nil
}

// MarshalJSON writes an object of the rows' names and settings.
func (s Settings) MarshalJSON() ([]byte, error) {
	values := map[string]string{}
	for i, k := range Kinds {
		values[k.Name] = s[i]
	}
	return json.Marshal(values)
}

// UnmarshalJSON reads the rows' settings from an object that may hold other keys
// too. A missing one stays as it is.
func (s *Settings) UnmarshalJSON(text []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	for i, k := range Kinds {
		if v, ok := values[k.Name]; ok {
			if err := json.Unmarshal(v, &s[i]); err != nil {
				return fmt.Errorf("%s: %w", k.Name, err)
			}
		}
	}
	return nil
}

// SettingError reports an invalid setting of an augmentation.
type SettingError struct {
	Name, Setting string
	Err           error
}

func (e *SettingError) Error() string { return fmt.Sprintf("%s %q: %v", e.Name, e.Setting, e.Err) }
func (e *SettingError) Unwrap() error { return e.Err }
