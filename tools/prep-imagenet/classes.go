package main

import (
	"errors"
	"fmt"

	"alexnet/pipeline/source"
)

// classesUsage is the usage of --classes.
const classesUsage = "take classes and their labels from `FILE`, one ID and name a line, or a folder of shards that has them; otherwise all, sorted"

// withFlag adds the flag of a class list to an error about one.
func withFlag(err error) error {
	var empty *source.EmptyClassesError
	if errors.As(err, &empty) && empty.Validation {
		return fmt.Errorf("%w: --classes FILE, or --classes with the folder of the training shards", err)
	}
	return err
}
