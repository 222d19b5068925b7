package main

import (
	"errors"
	"fmt"
	"os"

	"alexnet/pipeline"
	"alexnet/pipeline/source"
)

// classesUsage is the usage of --classes.
const classesUsage = "take classes and their labels from `FILE`, one ID and name a line, or a folder of shards that has them; otherwise all, sorted"

// readClasses reads a class list, or takes the classes of a folder of shards.
func readClasses(path string) ([]source.Class, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return source.ReadClasses(path)
	}
	d, err := pipeline.OpenDataset(path)
	if err != nil {
		return nil, fmt.Errorf("--classes: %w", err)
	}
	defer d.Close()
	var list []source.Class
	for _, c := range d.Meta().Classes {
		list = append(list, source.Class(c))
	}
	return list, nil
}

// withFlag adds the flag of a class list to an error about one.
func withFlag(err error) error {
	var empty *source.EmptyClassesError
	if errors.As(err, &empty) && empty.Validation {
		return fmt.Errorf("%w: --classes FILE, or --classes with the folder of the training shards", err)
	}
	return err
}
