package main

import (
	"testing"

	"alexnet/tools/internal/commandtest"
)

func TestReference(t *testing.T) { commandtest.Reference(t, "prep-imagenet", run) }

// Every flag that docs/scale gives is one of ours.
func TestManifests(t *testing.T) { commandtest.Manifests(t, "prep-imagenet", run) }
