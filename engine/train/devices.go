package train

import (
	"fmt"
	"slices"
	"strings"

	"alexnet/engine/collective"
	"alexnet/engine/devices"
	"alexnet/internal/setting"
)

// ownGPU is a device name without a number: under several ranks each takes
// the GPUs of its place on the host, and one process by itself those of their places
// in the list.
const ownGPU = "cuda"

// chooseDevices finds this rank's devices. The settings keep what is the same on
// all ranks, which is what the run is recorded with.
func (j *Job) chooseDevices() (err error) {
	j.c.Devices, j.ownDevices, err = RankDevices(j.c.Devices, j.group, func(why string) { j.note("%s", why) })
	return err
}

// RankDevices resolves a list of devices for a rank of a group: shared is what all
// ranks were told, own what this one opens. say is told why there is no GPU.
func RankDevices(list string, group collective.Collective, say func(why string)) (shared, own string, err error) {
	automatic := list == devices.Auto
	list, why := devices.Resolve(list)
	if why != "" {
		say(why)
	}
	if group.Size() == 1 && !slices.Contains(namesOf(list), ownGPU) {
		return list, list, nil
	}
	if automatic && strings.HasPrefix(list, ownGPU) {
		list = ownGPU
	}
	gpus := 0
	for _, d := range devices.List().Devices {
		if strings.HasPrefix(d.Name, ownGPU+":") {
			gpus++
		}
	}
	if group.Size() == 1 {
		return list, list, enough(list, gpus)
	}
	own, err = ownOf(list, group.Local(), collective.OnHost(group), gpus)
	return list, own, err
}

// namesOf are the names of a list.
func namesOf(list string) []string {
	names := strings.Split(list, ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return names
}

// enough reports a list of GPUs without numbers, which a run of several ranks may have
// been begun with, that wants more of them than one process by itself sees. Where
// there is none, opening them says why.
func enough(list string, gpus int) error {
	for i, name := range namesOf(list) {
		if name == ownGPU && gpus > 0 && i >= gpus {
			return setting.Invalidf("%s: that is %s:%d too, and there are %d GPUs here: write %s:0,%s:0 to put both towers on one", setting.Value("devices", list), ownGPU, i, gpus, ownGPU, ownGPU)
		}
	}
	return nil
}

// ownOf gives the rank with number local among the onHost of its host the devices of
// a list that all of them were given, on a host where this process sees so many
// GPUs: GPUs without a number in order of the ranks, or from the first where a
// launcher shows every rank just its own.
func ownOf(list string, local, onHost, gpus int) (string, error) {
	names := namesOf(list)
	each := len(names)
	for i, name := range names {
		switch {
		case name == ownGPU && gpus == each:
			names[i] = fmt.Sprint(ownGPU, ":", i)
		case name == ownGPU && gpus < onHost*each:
			return "", setting.Invalidf("%s: %d ranks of this host want %d GPUs and this one sees %d: start fewer ranks a host", setting.Value("devices", list), onHost, onHost*each, gpus)
		case name == ownGPU:
			names[i] = fmt.Sprint(ownGPU, ":", local*each+i)
		case strings.HasPrefix(name, ownGPU+":") && onHost > 1:
			return "", setting.Invalidf("%s: %d ranks of this host would share that GPU: write %s, each rank's own", setting.Value("devices", list), onHost, ownGPU)
		case strings.HasPrefix(name, ownGPU+":") && slices.Contains(names[:i], name):
			return "", setting.Invalidf("%s: several ranks want a GPU for every context", setting.Value("devices", list))
		}
	}
	return strings.Join(names, ","), nil
}

// checkAlike reports ranks that don't compute on the same kind of devices: what
// they'd exchange has another order.
func (j *Job) checkAlike() error {
	if j.group.Size() == 1 {
		return nil
	}
	kind, _, _ := strings.Cut(j.ownDevices, ":")
	all, err := j.group.Gather([]byte(kind))
	if err != nil {
		return err
	}
	for rank, other := range all {
		if string(other) != string(all[0]) {
			return setting.Errorf("rank 0 on %s computes on %s and rank %d on %s on %s: give all ranks the same kind with %s",
				j.group.Hosts()[0], all[0], rank, j.group.Hosts()[rank], other, setting.Name("devices"))
		}
	}
	return nil
}
