package source

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// classExtent is the tar of one class: a whole file or a part of one.
type classExtent struct {
	wnid string
	extent
}

// indexTrain lists the tars of the classes, then the pictures of the requested classes.
// s.files is the archive or, if perClass, a file for each class.
func (s *tars) indexTrain(ctx context.Context, perClass bool, kit *devkit, want []Class) error {
	inner, err := s.listClassTars(ctx, perClass)
	if err != nil {
		return err
	}
	slices.SortFunc(inner, func(a, b classExtent) int { return strings.Compare(a.wnid, b.wnid) })
	have := make([]Class, len(inner))
	for i, c := range inner {
		have[i].ID = c.wnid
		if i > 0 && inner[i-1].wnid == c.wnid {
			return fmt.Errorf("%s: holds %s.tar twice: fetch it again (MD5 %s)", show(s.path), show(c.wnid), trainMD5)
		}
	}
	if kit != nil {
		if err := nameTrainClasses(s.path, have, kit); err != nil {
			return err
		}
	}
	if s.classes, err = chooseClasses(s.path, have, want); err != nil {
		return err
	}
	labels := labelsByID(s.classes)
	for _, c := range inner {
		label, ok := labels[c.wnid]
		if !ok {
			s.notes.leaveOut(c.wnid, 0)
			continue
		}
		name := s.files[c.file].path
		if !perClass {
			name += ": " + c.wnid + ".tar"
		}
		if err := s.indexClass(ctx, name, c, label); err != nil {
			return err
		}
	}
	if err := s.needPictures(); err != nil {
		return err
	}
	return s.sort()
}

// indexFlat lists training pictures that are in the tars themselves, with their classes
// in their names. Their names become those of the other archives.
func (s *tars) indexFlat(ctx context.Context, kit *devkit, want []Class) error {
	var names, wnids []string
	var places []extent
	for i := range s.files {
		err := s.each(ctx, int32(i), func(m member) error {
			match := flatPicture.FindStringSubmatch(m.name)
			if match == nil || match[2] != match[3] {
				return fmt.Errorf("%s: member %s isn't a training picture (n01440764_10026_n01440764.JPEG): not ILSVRC 2012's", show(s.files[i].path), show(m.name))
			}
			names, wnids = append(names, match[2]+"/"+match[1]+match[4]), append(wnids, match[2])
			places = append(places, extent{int32(i), m.offset, m.size})
			return nil
		})
		if err != nil {
			return err
		}
	}
	var have []Class
	for _, id := range slices.Compact(slices.Sorted(slices.Values(wnids))) {
		have = append(have, Class{ID: id})
	}
	if kit != nil {
		if err := nameTrainClasses(s.path, have, kit); err != nil {
			return err
		}
	}
	var err error
	if s.classes, err = chooseClasses(s.path, have, want); err != nil {
		return err
	}
	labels := labelsByID(s.classes)
	for i, name := range names {
		if label, ok := labels[wnids[i]]; ok {
			s.add(name, label, places[i])
		} else {
			s.notes.leaveOut(wnids[i], 1)
		}
	}
	return s.sort()
}

// nameTrainClasses gives the classes the kit's names, and checks that both lists agree: a
// missing class would shift the labels against the validation set.
func nameTrainClasses(p string, have []Class, kit *devkit) error {
	known := labelsByID(kit.classes)
	for i, c := range have {
		label, ok := known[c.ID]
		if !ok {
			return fmt.Errorf("%s: class %s isn't in %s: archive and kit must both be ILSVRC 2012's, tasks 1 and 2", show(p), show(c.ID), show(kit.path))
		}
		have[i].Name = kit.classes[label].Name
		delete(known, c.ID)
	}
	if len(known) > 0 {
		var missing []string
		for id := range known {
			missing = append(missing, id)
		}
		slices.Sort(missing)
		return fmt.Errorf("%s: holds %d of the %d classes of %s; missing: %s: fetch the archive again (MD5 %s)",
			show(p), len(have), len(kit.classes), show(kit.path), abbreviate(missing, 5), trainMD5)
	}
	return nil
}

// listClassTars returns the tars of the classes.
func (s *tars) listClassTars(ctx context.Context, perClass bool) ([]classExtent, error) {
	var inner []classExtent
	if perClass {
		for i, file := range s.files {
			_, size, close, err := s.open(int32(i))
			if err != nil {
				return nil, err
			}
			close()
			wnid := classTar.FindStringSubmatch(filepath.ToSlash(file.path))[1]
			inner = append(inner, classExtent{wnid, extent{int32(i), 0, size}})
		}
		return inner, nil
	}
	err := s.each(ctx, 0, func(m member) error {
		match := classTar.FindStringSubmatch(m.name)
		if match == nil {
			return fmt.Errorf("%s: member %s isn't a class's tar (n01440764.tar): not ILSVRC 2012's training archive", show(s.files[0].path), show(m.name))
		}
		inner = append(inner, classExtent{match[1], extent{0, m.offset, m.size}})
		return nil
	})
	return inner, err
}

// indexClass lists the pictures of one class. name is the tar's name for messages.
func (s *tars) indexClass(ctx context.Context, name string, c classExtent, label int) error {
	f, _, close, err := s.open(c.file)
	if err != nil {
		return err
	}
	defer close()
	return eachMember(ctx, name, io.NewSectionReader(f, c.offset, c.size), c.size, &s.notes, func(m member) error {
		s.add(c.wnid+"/"+m.name, label, extent{c.file, c.offset + m.offset, m.size})
		return nil
	})
}
