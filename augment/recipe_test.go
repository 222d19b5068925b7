package augment

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
)

// set is the settings of a few rows, by name; the others have their defaults.
func set(t *testing.T, values map[string]string) Settings {
	t.Helper()
	s := DefaultSettings()
	for name, value := range values {
		i := slices.IndexFunc(Kinds[:], func(k Kind) bool { return k.Name == name })
		if i < 0 {
			t.Fatalf("no row is called %s", name)
		}
		s[i] = value
	}
	return s
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		settings map[string]string
		want     Recipe
	}{
		{nil, nil},
		{map[string]string{"crop": "", "jitter": ""}, nil},
		{map[string]string{"crop": "random"}, nil},
		{map[string]string{"crop": "resized"}, Recipe{ResizedCrop{}}},
		{map[string]string{"crop": "resized:0.35", "jitter": "0.4, 0.3,0"},
			Recipe{ResizedCrop{MinArea: 0.35}, Jitter{Brightness: 0.4, Contrast: 0.3}}},
	} {
		s := set(t, c.settings)
		got, err := s.Recipe()
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %#v, %v, want %#v", c.settings, got, err, c.want)
		}
		text, err := json.Marshal(s)
		var back Settings
		if err = errors.Join(err, json.Unmarshal(text, &back)); err != nil || back != s {
			t.Errorf("%v becomes %s, and that %v, %v", c.settings, text, back, err)
		}
	}
	for name, bad := range map[string][]string{
		"crop":   {"centre", "resized:0", "resized:1.1", "resized:x", "resized:", "random:0.5"},
		"jitter": {"1", "1,2,0", "a,b,c", "0,0,0,0"},
	} {
		for _, text := range bad {
			s := set(t, map[string]string{name: text})
			_, err := s.Recipe()
			if e := new(SettingError); !errors.As(err, &e) || e.Name != name || e.Setting != text {
				t.Errorf("%s %q gives %v", name, text, err)
			}
		}
	}
}

// TestSettingsAmongOthers reads them from an object that holds more, as run.json
// does, and from one that an older program wrote.
func TestSettingsAmongOthers(t *testing.T) {
	s := set(t, map[string]string{"jitter": "0.1,0.1,0.1"})
	if err := json.Unmarshal([]byte(`{"batch":128,"crop":"resized"}`), &s); err != nil {
		t.Fatal(err)
	}
	if want := set(t, map[string]string{"jitter": "0.1,0.1,0.1", "crop": "resized"}); s != want {
		t.Errorf("%v, want %v", s, want)
	}
	for _, text := range []string{`[]`, `{"crop":7}`} {
		if json.Unmarshal([]byte(text), &s) == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

type neither struct{}

func (neither) Validate() error { return nil }

func TestRecipeValidate(t *testing.T) {
	for _, r := range []Recipe{nil, {Jitter{}}, {ResizedCrop{}, Jitter{}, Jitter{}}} {
		if err := r.Validate(); err != nil {
			t.Errorf("%v: %v", r, err)
		}
	}
	for _, r := range []Recipe{
		{Jitter{}, ResizedCrop{}}, {ResizedCrop{}, ResizedCrop{}}, {neither{}}, {nil},
		{Jitter{Contrast: 2}}, {ResizedCrop{MinArea: 0.9, MaxArea: 0.1}},
	} {
		if r.Validate() == nil {
			t.Errorf("%v is accepted", r)
		}
	}
}
