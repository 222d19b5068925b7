package source

import (
	"context"
	"fmt"
	"slices"
	"strconv"
)

// indexVal lists the validation pictures. Their labels come from the kit or, in some
// copies, from their names; if both have them, they must agree.
func (s *tars) indexVal(ctx context.Context, kit *devkit, want []Class) error {
	archive := show(s.files[0].path)
	var names []string
	var places []extent
	err := s.each(ctx, 0, func(m member) error {
		names = append(names, m.name)
		places = append(places, extent{0, m.offset, m.size})
		return nil
	})
	if err != nil {
		return err
	}
	have, labels, err := labelVal(archive, names, kit)
	if err != nil {
		return err
	}
	if s.classes, err = chooseClasses(s.path, have, want); err != nil {
		return err
	}
	chosen := labelsByID(s.classes)
	for i, name := range names {
		id := have[labels[i]].ID
		if label, ok := chosen[id]; ok {
			s.add(name, label, places[i])
		} else {
			s.notes.leaveOut(id, 1)
		}
	}
	return s.sort()
}

// labelVal returns the classes and the label of each validation picture.
func labelVal(archive string, names []string, kit *devkit) (classes []Class, labels []int, err error) {
	wnids := make([]string, len(names)) // from the names
	numbers := make([]int, len(names))
	seen := make(map[int]bool, len(names))
	for i, name := range names {
		match := valPicture.FindStringSubmatch(name)
		if match == nil {
			return nil, nil, fmt.Errorf("%s: member %s isn't a validation picture (ILSVRC2012_val_00000001.JPEG): not ILSVRC 2012's validation archive", archive, show(name))
		}
		numbers[i], _ = strconv.Atoi(match[1]) // eight digits
		wnids[i] = match[2]
		if seen[numbers[i]] {
			return nil, nil, fmt.Errorf("%s: holds two pictures of number %d, one of them %s: fetch it again (MD5 %s)", archive, numbers[i], show(name), valMD5)
		}
		seen[numbers[i]] = true
	}
	if kit == nil {
		return labelByName(archive, names, wnids)
	}
	if len(names) != len(kit.labels) {
		return nil, nil, fmt.Errorf("%s: holds %d pictures, but %s labels %d: fetch the archive again (MD5 %s)",
			archive, len(names), show(kit.path), len(kit.labels), valMD5)
	}
	labels = make([]int, len(names))
	for i, n := range numbers {
		if n < 1 || n > len(kit.labels) {
			return nil, nil, fmt.Errorf("%s: %s has a number outside the 1 to %d that %s labels", archive, show(names[i]), len(kit.labels), show(kit.path))
		}
		labels[i] = kit.labels[n-1]
		if id := kit.classes[labels[i]].ID; wnids[i] != "" && wnids[i] != id {
			return nil, nil, fmt.Errorf("%s: %s is of class %s by its name, but of %s by %s: one of the two files is wrong", archive, show(names[i]), show(wnids[i]), show(id), show(kit.path))
		}
	}
	return kit.classes, labels, nil
}

// labelByName takes the labels from the names alone.
func labelByName(archive string, names, wnids []string) (classes []Class, labels []int, err error) {
	if i := slices.Index(wnids, ""); i >= 0 {
		return nil, nil, fmt.Errorf("%s: the label of %s is in the development kit: put %s.tar.gz (MD5 %s) beside the archive, or say where it is",
			archive, show(names[i]), devkitName, devkitMD5)
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(wnids))) {
		classes = append(classes, Class{ID: id})
	}
	index := labelsByID(classes)
	labels = make([]int, len(names))
	for i, id := range wnids {
		labels[i] = index[id]
	}
	return classes, labels, nil
}
