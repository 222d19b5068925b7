package devices

import (
	"fmt"
	"runtime"
	"strings"

	"alexnet/engine"
	"alexnet/engine/vulkan"
)

// vulkanKind is the row of Vulkan's devices.
var vulkanKind = []kind{{name: "vulkan", usage: "vulkan:0", open: openVulkan, precisions: vulkan.Precisions, apart: true, list: listVulkan}}

func openVulkan(names []string, o Options) ([]engine.Context, error) {
	return vulkan.Open(names, vulkan.Options{Precision: o.Precision, Note: o.Note})
}

// listVulkan lets Auto choose only discrete GPUs: others share the CPU's memory, or
// compute on the CPU.
func listVulkan() Inventory {
	return inventory(vulkan.Examine())
}

// inventory describes the result of a survey.
func inventory(s vulkan.Survey) (i Inventory) {
	for _, g := range s.GPUs {
		about := fmt.Sprintf("%s, %s, %.1f GiB, Vulkan %s, driver %s", g.Model, g.Kind, float64(g.Memory)/(1<<30), g.Version, g.Driver)
		if len(g.Missing) > 0 {
			i.Notes = append(i.Notes, fmt.Sprintf("%s, %s, can't be used: it lacks %s", g.Name, about, strings.Join(g.Missing, ", ")))
			continue
		}
		if len(g.Without) > 0 {
			about += ", without " + strings.Join(g.Without, " and ")
		}
		i.Devices = append(i.Devices, Device{Name: g.Name, About: about, Precisions: g.Precisions, Auto: g.Discrete})
	}
	switch {
	case s.Loader != "":
		i.Libraries = append(i.Libraries, Library{"Vulkan", "loader", s.Loader})
		if s.Err != nil {
			i.Notes = append(i.Notes, "Vulkan lists no device: "+s.Err.Error())
		} else if len(s.GPUs) == 0 {
			i.Notes = append(i.Notes, "Vulkan lists no device: is a driver for it installed?"+mesa[runtime.GOOS])
		}
	case vulkan.NoLoader(s.Err):
		i.Missing = append(i.Missing, Missing{"Vulkan", s.Err.Error(), vulkanPackages[runtime.GOOS]})
	default:
		i.Notes = append(i.Notes, "Vulkan can't be used: "+s.Err.Error())
	}
	return i
}

// vulkanPackages are the packages with Vulkan's loader for each system. On Windows the
// driver has it.
var vulkanPackages = map[string][]string{
	"linux":   {"apt-get install libvulkan1 mesa-vulkan-drivers", "dnf install vulkan-loader mesa-vulkan-drivers"},
	"darwin":  {"brew install molten-vk"},
	"windows": {"the driver of the graphics card"},
}

// mesa says where to find drivers.
var mesa = map[string]string{"linux": " (apt-get install mesa-vulkan-drivers has AMD's, Intel's and one in software)"}
