package cpu_test

import (
	"testing"

	"alexnet/engine/cpu/internal/trap"
)

func TestMain(m *testing.M) { trap.Main(m) }
