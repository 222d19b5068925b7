package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/internal/jsontext"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// Change changes settings of a run between two epochs. In JSON its settings stand
// beside its time:
//
//	{"after": 68, "noise": "off", "layer-rates": "conv1=0.1"}
//	{"below": 0.4, "lr": 0.001}
//	{"below": 0.2, "stop": true}
//
// A change is due from the end of epoch After on, or from the end of the first epoch
// with a validation error below Below. So the position and the schedule in a
// checkpoint decide which changes are due, and a resumed run makes the same changes.
type Change struct {
	After int     // epochs; 0: see Below
	Below float64 // top-1 validation error, a fraction; 0: see After
	Stop  bool    // end the run

	// Settings are the new values by name, in the form of a Config's JSON. changeable
	// lists the names.
	Settings map[string]json.RawMessage
}

// Changes are the changes of a run, made in this order: of two that are due, the
// later one counts.
type Changes []Change

// Settings that a Change may change, besides augmentations: those whose values are numbers,
// and those whose values are text.
var (
	changeableNumbers = []string{"lr", "momentum", "decay", "label-smoothing"}
	changeableWords   = []string{"layer-rates", "freeze", "noise"}
)

// changeable lists the settings that a Change may change.
func changeable() []string {
	names := slices.Concat(changeableNumbers, changeableWords)
	for _, k := range augment.Kinds {
		names = append(names, k.Name)
	}
	return names
}

// mostChanges is larger than the number of changes of any run.
const mostChanges = 1000

// MarshalJSON writes a list, never null.
func (c Changes) MarshalJSON() ([]byte, error) {
	if c == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]Change(c))
}

// MarshalJSON writes an object of the change's time and its settings.
func (c Change) MarshalJSON() ([]byte, error) {
	when, err := json.Marshal(struct {
		After int     `json:"after,omitempty"`
		Below float64 `json:"below,omitempty"`
		Stop  bool    `json:"stop,omitempty"`
	}{c.After, c.Below, c.Stop})
	if err != nil {
		return nil, err
	}
	values := map[string]json.RawMessage{}
	maps.Copy(values, c.Settings)
	if err := json.Unmarshal(when, &values); err != nil {
		return nil, err
	}
	return json.Marshal(values)
}

// UnmarshalJSON reads an object with the change's time and its settings. Numbers may
// be quoted, and text that looks like a number may be unquoted. A list, or an object
// of layers and factors, stands for words with commas between.
func (c *Change) UnmarshalJSON(text []byte) error {
	values := map[string]json.RawMessage{}
	if err := jsontext.UnmarshalKnown(text, &values); err != nil {
		return err
	}
	*c = Change{Settings: map[string]json.RawMessage{}}
	for name, v := range values {
		var err error
		switch name {
		case "after":
			err = json.Unmarshal(v, &c.After)
		case "below":
			err = json.Unmarshal(v, &c.Below)
		case "stop":
			err = json.Unmarshal(v, &c.Stop)
		default:
			c.Settings[name], err = settingText(name, v)
		}
		if err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
	}
	return nil
}

// settingText returns a setting's value in the form of a Config's JSON.
func settingText(name string, text json.RawMessage) (json.RawMessage, error) {
	var list []string
	var word string
	switch {
	case slices.Contains(changeableNumbers, name):
		if json.Unmarshal(text, &word) != nil {
			return text, nil
		}
		number, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, fmt.Errorf("%q isn't a number", word)
		}
		return json.Marshal(number)
	case text[0] == '"':
		return text, nil
	case text[0] == '[':
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, err
		}
	case text[0] == '{':
		var factors map[string]float64
		if err := json.Unmarshal(text, &factors); err != nil {
			return nil, err
		}
		for _, layer := range slices.Sorted(maps.Keys(factors)) {
			list = append(list, layer+"="+strconv.FormatFloat(factors[layer], 'g', -1, 64))
		}
	default:
		list = []string{string(text)}
	}
	return json.Marshal(strings.Join(list, ","))
}

// Set reads changes from JSON, as a command's flag does.
func (c *Changes) Set(text string) error {
	*c = nil
	if text == "" {
		return nil
	}
	return jsontext.UnmarshalKnown([]byte(text), (*[]Change)(c))
}

// String returns the changes in JSON, "" for none.
func (c *Changes) String() string {
	if c == nil || len(*c) == 0 {
		return ""
	}
	text, err := json.Marshal(*c)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Get is String, for a command's flag.
func (c *Changes) Get() any { return c.String() }

// When returns the change's time for people.
func (c Change) When() string {
	if c.After > 0 {
		return "after " + printable.Count(c.After, "epoch")
	}
	return fmt.Sprintf("once the validation error is below %g", c.Below)
}

// What returns the effect of the change for people: "conv1's …".
func (c Change) What() string {
	var list []string
	for _, name := range changeable() {
		if v, ok := c.Settings[name]; ok {
			value := strings.Trim(string(v), `"`)
			if value == "" {
				value = "none"
			}
			list = append(list, name+" "+value)
		}
	}
	if c.Stop {
		list = append(list, "stop")
	}
	return strings.Join(list, ", ")
}

// String returns the change for people: "after 68 epochs: layer-rates conv1=0.1,
// noise off".
func (c Change) String() string { return c.When() + ": " + c.What() }

// due reports whether the change is due at a position of the run.
func (c Change) due(at engine.Position, learnt engine.ScheduleState) bool {
	if c.After > 0 {
		return at.Epoch >= c.After
	}
	return learnt.Epochs > 0 && learnt.Best < c.Below
}

// due returns the changes that are due.
func (c Changes) due(at engine.Position, learnt engine.ScheduleState) (due Changes) {
	for _, one := range c {
		if one.due(at, learnt) {
			due = append(due, one)
		}
	}
	return due
}

// stops reports whether a change ends the run.
func (c Changes) stops() bool {
	return slices.ContainsFunc(c, func(one Change) bool { return one.Stop })
}

// texts returns the changes for people.
func (c Changes) texts() (list []string) {
	for _, one := range c {
		list = append(list, one.String())
	}
	return list
}

// after returns the configuration with these changes made.
func (c Config) after(made Changes) (Config, error) {
	for _, one := range made {
		text, err := json.Marshal(one.Settings)
		if err == nil {
			err = json.Unmarshal(text, &c)
		}
		if err != nil {
			return c, setting.Invalidf("%s: %s: %w", setting.Name("changes"), one.When(), err)
		}
	}
	return c, nil
}

// InForce returns the configuration at a position, with the schedule in state learnt:
// c with the changes that are due.
func (c Config) InForce(at engine.Position, learnt engine.ScheduleState) (Config, error) {
	return c.after(c.Changes.due(at, learnt))
}

// checkChanges returns an error for invalid changes.
func (c *Config) checkChanges() error {
	if len(c.Changes) > mostChanges {
		return setting.Invalidf("%s: %d of them: want at most %d", setting.Name("changes"), len(c.Changes), mostChanges)
	}
	then := *c
	then.Changes = nil
	for i, one := range c.Changes {
		bad := func(format string, values ...any) error {
			return setting.Invalidf("%s: number %d, %s: %w", setting.Name("changes"), i+1, one.When(), setting.Invalidf(format, values...))
		}
		switch {
		case (one.After == 0) == (one.Below == 0):
			return bad("want either after, a number of epochs, or below, a validation error")
		case one.After < 0 || one.After > math.MaxInt32:
			return bad("want after from 1 epoch on")
		case !(one.Below >= 0 && one.Below <= 1):
			return bad("want below between 0 and 1")
		case one.Below > 0 && c.Val == "":
			return bad("without %s there is no validation error", setting.Name("val"))
		case len(one.Settings) == 0 && !one.Stop:
			return bad("changes nothing: give settings of %s, or stop", strings.Join(changeable(), ", "))
		}
		for name := range one.Settings {
			if !slices.Contains(changeable(), name) {
				return bad("%q can't change in the course of a run: what can is %s, and stop", name, strings.Join(changeable(), ", "))
			}
		}
		var err error
		if then, err = then.after(Changes{one}); err != nil {
			return err
		}
		if err := then.Validate(); err != nil {
			return setting.Invalidf("%s: %s: %w", setting.Name("changes"), one.When(), err)
		}
		if _, err := then.schedule(1, 2); err != nil && then.LR != c.LR {
			return setting.Invalidf("%s: %s: %w", setting.Name("changes"), one.When(), err)
		}
	}
	return nil
}

// layerRates returns the factors by layer.
func (c *Config) layerRates() (map[string]float64, error) {
	rates := map[string]float64{}
	for _, word := range SplitList(c.LayerRates) {
		name, factor, _ := strings.Cut(word, "=")
		rate, err := strconv.ParseFloat(factor, 64)
		if err == nil && !(rate >= 0 && rate <= math.MaxFloat32) {
			err = errors.New("out of range")
		}
		if _, twice := rates[name]; err != nil || twice || name == "" {
			return nil, setting.Invalidf("%s: want layers with factors from 0 on, each once, such as conv1=0.1,fc8=10", setting.Value("layer-rates", c.LayerRates))
		}
		rates[name] = rate
	}
	return rates, nil
}
