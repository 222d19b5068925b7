package setting

import "fmt"

// Origins are Flags that say where a value comes from: a flag that was given, the run that
// goes on, a recipe, or a default.
type Origins struct {
	Flags
	IsSet   func(name string) bool // reports whether the flag was given
	Resumed bool                   // a run goes on with its own settings
	Recipe  string                 // the name of the recipe; "" for none
	Decides func(name string) bool // reports whether the recipe has the setting; nil without one
}

// Value is a setting with its value.
func (o Origins) Value(name string, value any) string {
	switch {
	case o.IsSet(name):
		return o.Flags.Value(name, value)
	case o.Resumed:
		return fmt.Sprintf("the run's %s %v", name, value)
	case o.Decides != nil && o.Decides(name):
		return fmt.Sprintf("recipe %s's --%s, %v", o.Recipe, name, value)
	}
	return fmt.Sprintf("the default of --%s, %v", name, value)
}

// Given returns the settings that were given.
func (o Origins) Given(names []string) (given []string) {
	for _, name := range names {
		if o.IsSet(name) {
			given = append(given, name)
		}
	}
	return given
}

// Instead are Words in which some settings have other names: those of the settings that
// a command has in their place.
type Instead struct {
	Words
	Names map[string]string
}

// Name is the other name of a setting that has one.
func (i Instead) Name(name string) string {
	if other, ok := i.Names[name]; ok {
		return other
	}
	return i.Words.Name(name)
}

// Value is the other name with the value, for a setting that has one.
func (i Instead) Value(name string, value any) string {
	if other, ok := i.Names[name]; ok {
		return fmt.Sprintf("%s %v", other, value)
	}
	return i.Words.Value(name, value)
}
