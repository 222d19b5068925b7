package train

import (
	"fmt"
	"slices"
	"strings"

	"alexnet/engine/collective"
	"alexnet/engine/devices"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// ownGPU is a device name without a number. Under several ranks each rank takes the
// GPUs of its place on the host; a single process takes those of their places in the
// list.
const ownGPU = "cuda"

// chooseDevices finds this rank's devices. The settings, which run.json records, keep
// the list that all ranks share.
func (j *Job) chooseDevices() (err error) {
	j.c.Devices, j.ownDevices, err = RankDevices(j.c.Devices, j.group, func(why string) { j.note("%s", why) })
	return err
}

// RankDevices resolves a list of devices for a rank of a group. shared is the list of
// all ranks, own is the list that this rank opens. say receives the reason if there
// is no GPU.
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

// namesOf returns the names in a list.
func namesOf(list string) []string {
	names := strings.Split(list, ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return names
}

// enough returns an error for a list with more unnumbered GPUs than this process sees. A
// run of several ranks may have begun with such a list. If there is no GPU at all,
// opening the devices returns the reason.
func enough(list string, gpus int) error {
	for i, name := range namesOf(list) {
		if name == ownGPU && gpus > 0 && i >= gpus {
			return setting.Invalidf("%s: that is %s:%d too, and this host has %s: write %s:0,%s:0 to put both towers on one", setting.Value("devices", list), ownGPU, i, printable.Count(gpus, "GPU"), ownGPU, ownGPU)
		}
	}
	return nil
}

// ownOf returns the devices of the rank with number local among the onHost ranks of
// its host, from a list that all ranks share. This process sees gpus GPUs. GPUs
// without a number go to the ranks in order; if a launcher shows every rank only its
// own GPUs, each begins with the first.
func ownOf(list string, local, onHost, gpus int) (string, error) {
	names := namesOf(list)
	each := len(names)
	for i, name := range names {
		switch {
		case name == ownGPU && gpus == each:
			names[i] = fmt.Sprint(ownGPU, ":", i)
		case name == ownGPU && gpus < onHost*each:
			return "", setting.Invalidf("%s: %d ranks of this host want %s and this one sees %d: start fewer ranks a host", setting.Value("devices", list), onHost, printable.Count(onHost*each, "GPU"), gpus)
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
