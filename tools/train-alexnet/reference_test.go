package main

import (
	"testing"

	"alexnet/tools/internal/commandtest"
)

func TestReference(t *testing.T) { commandtest.Reference(t, "train-alexnet", run) }

// Every flag that docs/scale gives is one of ours.
func TestManifests(t *testing.T) { commandtest.Manifests(t, "train-alexnet", run) }
