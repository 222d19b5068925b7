package main

import (
	"testing"

	"alexnet/tools/internal/commandtest"
)

func TestReference(t *testing.T) { commandtest.Reference(t, "train-alexnet", run) }
