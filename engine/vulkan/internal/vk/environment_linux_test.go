package vk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/internal/dynlib/dynlibtest"
)

// TestPlantedManifests: no driver or layer is run that a manifest in the current folder
// names, whatever variable leads there, nor one whose manifest others can write; one in a
// folder of the user's own is.
func TestPlantedManifests(t *testing.T) {
	if dynlibtest.Child() {
		i, err := Open(false)
		if err == nil {
			_, err = i.GPUs()
		}
		fmt.Println("opened:", err)
		return
	}
	if i, err := Open(false); err != nil {
		t.Skip(err)
	} else {
		i.Close()
	}
	trap, downloads := dynlibtest.New(t), t.TempDir()
	layer := `{"file_format_version": "1.1.2", "layer": {"name": "VK_LAYER_planted", "type": "GLOBAL", "library_path": "./libplanted.so",
		"api_version": "1.2.0", "implementation_version": "1", "description": "", "disable_environment": {"NO_PLANTED": "1"}}}`
	driver := `{"file_format_version": "1.0.0", "ICD": {"library_path": "./libplanted.so", "api_version": "1.2.0"}}`
	for _, folder := range []string{"", ".config", ".local/share"} {
		for below, manifest := range map[string]string{"implicit_layer.d": layer, "icd.d": driver} {
			dir := filepath.Join(downloads, folder, "vulkan", below)
			trap.Plant(t, dir, "libplanted.so")
			if err := os.WriteFile(filepath.Join(dir, "planted.json"), []byte(manifest), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, v := range []string{
		"HOME=.", "XDG_CONFIG_HOME=.", "XDG_CONFIG_DIRS=.", "XDG_CONFIG_DIRS=/etc/xdg:./", "XDG_DATA_HOME=.", "XDG_DATA_DIRS=/usr/share:.",
		"VK_DRIVER_FILES=vulkan/icd.d/planted.json", "VK_ICD_FILENAMES=vulkan/icd.d/planted.json", "VK_ADD_DRIVER_FILES=vulkan/icd.d/planted.json",
		"VK_ADD_LAYER_PATH=vulkan/implicit_layer.d", "XDG_CACHE_HOME=cache", "MESA_SHADER_CACHE_DIR=cache",
	} {
		name, _, _ := strings.Cut(v, "=")
		out := trap.Run(t, downloads, v)
		if trap.Sprung() {
			t.Errorf("with %s a planted library runs", v)
		}
		if !strings.Contains(out, "is refused: $"+name+" names a folder below the current one") {
			t.Errorf("with %s: %s", v, out)
		}
	}
	own := "XDG_DATA_HOME=" + downloads
	if out := trap.Run(t, downloads, own); !trap.Sprung() {
		t.Errorf("with %s nothing runs, so this test says nothing: %s", own, out)
	}
	if err := os.Chmod(filepath.Join(downloads, "vulkan/icd.d/planted.json"), 0o666); err != nil {
		t.Fatal(err)
	}
	if out := trap.Run(t, downloads, own); trap.Sprung() || !strings.Contains(out, "planted.json can be written by everybody") {
		t.Errorf("with %s, whose manifest everybody can write: %s", own, out)
	}
}
