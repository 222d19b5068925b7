package kernels

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels/source"
)

// mirrored are the structs that kernels take or find in memory, by their names in the
// sources.
var mirrored = map[string]any{
	"Input": Input{}, "InputFolded": InputFolded{}, "FoldInput": FoldInput{}, "FoldWeights": FoldWeights{}, "UnfoldWeights": UnfoldWeights{},
	"BiasActivate": BiasActivate{}, "Activate": Activate{}, "ActivateBackward": ActivateBackward{},
	"LRNForward": LRNForward{}, "LRNBackward": LRNBackward{}, "LRNWithinForward": LRNWithinForward{}, "LRNWithinBackward": LRNWithinBackward{},
	"MaxPoolForward": MaxPoolForward{}, "MaxPoolBackward": MaxPoolBackward{}, "Local": Local{}, "AvgPoolForward": AvgPoolForward{}, "AvgPoolBackward": AvgPoolBackward{}, "LRNPoolForward": LRNPoolForward{}, "PoolLRNBackward": PoolLRNBackward{},
	"Window": Window{}, "Response": Response{}, "Dropout": Dropout{}, "SoftmaxLoss": SoftmaxLoss{}, "ColumnSum": ColumnSum{}, "ActivateBackwardSum": ActivateBackwardSum{},
	"SetStep": SetStep{}, "Accumulate": Accumulate{}, "StepParams": StepParams{}, "Parameter": Parameter{}, "Chunk": chunk{}, "Update": Update{},
	"Concat": Concat{}, "SumSlices": SumSlices{}, "Transpose": transpose{}, "Cast": Cast{}, "Fill": Fill{}, "Spin": Spin{},
}

// TestStructs has g++ compare every struct's size, and every field's offset and
// type, with the Go struct of the same name.
func TestStructs(t *testing.T) {
	compiler, err := exec.LookPath("g++")
	if err != nil {
		t.Skip("g++ is not installed")
	}
	files := source.Files()
	taken := regexp.MustCompile(`(?m)^KERNELS?\(\w+, (\w+)`)
	var structs strings.Builder
	declared := map[string]bool{}
	for _, file := range append([]string{"params.h"}, slices.Sorted(maps.Keys(files))...) {
		for _, d := range regexp.MustCompile(`(?ms)^struct (\w+) \{.*?^\};\n`).FindAllStringSubmatch(files[file], -1) {
			if _, ok := mirrored[d[1]]; ok && !declared[d[1]] {
				declared[d[1]] = true
				structs.WriteString(d[0])
			}
		}
		for _, k := range taken.FindAllStringSubmatch(files[file], -1) {
			if _, ok := mirrored[k[1]]; !ok {
				t.Errorf("a kernel of %s takes %s, which the test hasn't", file, k[1])
			}
		}
	}
	if len(declared) != len(mirrored) {
		t.Errorf("the sources have %d of the test's %d structs", len(declared), len(mirrored))
	}
	var b strings.Builder
	b.WriteString("#include <cstddef>\n#include <type_traits>\n" + structs.String())
	for name, mirror := range mirrored {
		typ := reflect.TypeOf(mirror)
		fmt.Fprintf(&b, "static_assert(sizeof(%s) == %d, \"size\");\n", name, typ.Size())
		// A field more in C than in Go would change the number of initialisers.
		for i := range typ.NumField() {
			f := typ.Field(i)
			fmt.Fprintf(&b, "static_assert(offsetof(%s, %s) == %d, \"offset\");\n", name, f.Name, f.Offset)
			fmt.Fprintf(&b, "static_assert(%s, \"type\");\n", sameType(f.Type, fmt.Sprintf("decltype(%s::%s)", name, f.Name)))
		}
	}
	check := filepath.Join(t.TempDir(), "check.cpp")
	if err := os.WriteFile(check, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(compiler, "-std=c++17", "-fsyntax-only", check).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// sameType returns a C++ condition that type c is the same as t.
func sameType(t reflect.Type, c string) string {
	if t == reflect.TypeFor[gpu.Pointer]() {
		return "std::is_pointer<" + c + ">::value"
	}
	switch t.Kind() {
	case reflect.Array:
		return fmt.Sprintf("std::extent<%s>::value == %d && %s", c, t.Len(), sameType(t.Elem(), "std::remove_extent<"+c+">::type"))
	case reflect.Struct:
		return "std::is_class<" + c + ">::value"
	}
	names := map[reflect.Kind]string{reflect.Int32: "int", reflect.Int64: "long long", reflect.Uint64: "unsigned long long", reflect.Float32: "float"}
	return fmt.Sprintf("std::is_same<%s, %s>::value", c, names[t.Kind()])
}
