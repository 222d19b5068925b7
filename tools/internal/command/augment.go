package command

import (
	"github.com/urfave/cli/v2"

	"alexnet/augment"
)

// AugmentFlags returns flags that set s, one for each row of augment.Kinds.
func AugmentFlags(s *augment.Settings, category string) []cli.Flag {
	var flags []cli.Flag
	for i, k := range augment.Kinds {
		flags = append(flags, &cli.StringFlag{Name: k.Name, Category: category, Value: k.Default, Usage: k.Usage, Destination: &s[i]})
	}
	return flags
}

// Augmentations returns the recipe that these flags have set.
func Augmentations(s *augment.Settings) (augment.Recipe, error) {
	r, err := s.Recipe()
	if err != nil {
		return nil, Usagef("--%w", err)
	}
	return r, nil
}
