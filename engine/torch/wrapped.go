package torch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// wrappers are the parts of names that wrappers of a module add: DataParallel,
// DistributedDataParallel and AveragedModel add "module", torch.compile "_orig_mod", each
// at the wrapped module.
var wrappers = []string{"module", "_orig_mod"}

// countOfAverages is AveragedModel's own tensor.
const countOfAverages = "n_averaged"

// readNames finds the plain module's names for the file's tensors, and records the
// removed parts and the types of the numbers.
func (f *File) readNames() error {
	f.names = map[string]string{}
	left := map[string]bool{}
	types := map[string]int{}
	for _, t := range f.tensors.Tensors {
		if t.Name == countOfAverages {
			left[countOfAverages] = true
			continue
		}
		parts := strings.Split(t.Name, ".")
		plain := slices.DeleteFunc(slices.Clone(parts), func(part string) bool { return slices.Contains(wrappers, part) })
		for _, part := range parts {
			if slices.Contains(wrappers, part) {
				left[part+"."] = true
			}
		}
		if err := f.call(strings.Join(plain, "."), t.Name); err != nil {
			return err
		}
		types[t.DType]++
	}
	if prefix, err := f.cutPrefix(); err != nil {
		return err
	} else if prefix != "" {
		left[prefix] = true
	}
	for _, what := range slices.Sorted(maps.Keys(left)) {
		f.Notes = append(f.Notes, fmt.Sprintf("%q is left out of the names", what))
	}
	for _, c := range []struct{ dtype, how string }{
		{"F16", "float32 holds them exactly"}, {"BF16", "float32 holds them exactly"}, {"F64", "they are rounded to float32"},
	} {
		if n := types[c.dtype]; n > 0 {
			f.Notes = append(f.Notes, fmt.Sprintf("%d of %d tensors are %s: %s", n, len(f.names), c.dtype, c.how))
		}
	}
	return nil
}

// call records the plain module's name for a tensor.
func (f *File) call(plain, stored string) error {
	if other, ok := f.names[plain]; ok {
		return fmt.Errorf("%q and %q are both %q of a plain module: save one of them", other, stored, plain)
	}
	f.names[plain] = stored
	return nil
}

// cutPrefix removes the name of an attribute that held the net, such as "model.",
// from all names that have it.
func (f *File) cutPrefix() (prefix string, err error) {
	const first = "features.0.weight"
	if _, ok := f.names[first]; ok {
		return "", nil
	}
	for name := range f.names {
		p, ok := strings.CutSuffix(name, "."+first)
		if ok && prefix != "" {
			return "", fmt.Errorf("several nets, of which one is %q and one %q: save one of them", prefix, p+".")
		}
		if ok {
			prefix = p + "."
		}
	}
	if prefix == "" {
		return "", nil
	}
	all := f.names
	f.names = map[string]string{}
	for name, stored := range all {
		if err := f.call(strings.TrimPrefix(name, prefix), stored); err != nil {
			return "", err
		}
	}
	return prefix, nil
}
