package vk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/internal/dynlib/dynlibtest"
)

// TestPlanted: drivers and layers that a relative folder or one that others can write to
// names to Vulkan's loader are never loaded; those of the user's own home are.
func TestPlanted(t *testing.T) {
	if dynlibtest.Child() {
		i, err := Open(false)
		fmt.Println("opened:", err)
		if err == nil {
			_, err = i.GPUs() // this is when the loader looks for drivers, if not before
			fmt.Println("listed:", err)
			i.Close()
		}
		return
	}
	i, err := Open(false)
	if errors.Is(err, ErrNoVulkan) {
		t.Skip(err)
	} else if err == nil {
		i.Close()
	}
	trap := dynlibtest.New(t)
	for _, kind := range []string{"icd.d", "implicit_layer.d"} {
		for _, c := range []struct {
			name, base string // of the folder, below the current one
			variable   string // %s: the current folder
			open       bool   // to everybody
			refused    bool
		}{
			{"my home", "home/.local/share", "HOME=%s/home", false, false},
			{"everybody's home", "home/.local/share", "HOME=%s/home", true, true},
			{"everybody's configuration", "home/.config", "HOME=%s/home", true, true},
			{"a relative home", "home/.local/share", "HOME=home", false, true},
			{"the current folder", ".local/share", "HOME=.", false, true},
			{"relative data", "data", "XDG_DATA_HOME=data", false, true},
			{"among others", "data", "XDG_DATA_DIRS=/usr/share:data", false, true},
			{"relative configuration", "etc", "XDG_CONFIG_DIRS=/etc/xdg:etc", false, true},
			{"everybody's data", "data", "XDG_DATA_HOME=%s/data", true, true},
		} {
			dir := t.TempDir()
			folder := filepath.Join(dir, c.base, "vulkan", kind)
			trap.Plant(t, folder, "trap.so")
			text := `{"file_format_version": "1.0.0", "ICD": {"library_path": "./trap.so", "api_version": "1.2.0"}}`
			if kind == "implicit_layer.d" {
				text = `{"file_format_version": "1.0.0", "layer": {"name": "VK_LAYER_trap", "type": "GLOBAL", "library_path": "./trap.so", "api_version": "1.2.0",
					"implementation_version": "1", "description": "a trap", "disable_environment": {"NO_TRAP": "1"}}}`
			}
			if err := os.WriteFile(filepath.Join(folder, "trap.json"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if c.open {
				if err := os.Chmod(filepath.Join(dir, strings.Split(c.base, "/")[0]), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			variable := strings.ReplaceAll(c.variable, "%s", dir)
			out := trap.Run(t, dir, variable)
			if c.refused != strings.Contains(out, "is refused: ") {
				t.Errorf("%s, %s: refused %v, want %v\n%s", kind, c.name, !c.refused, c.refused, out)
			}
			if ran := trap.Sprung(); ran == c.refused {
				t.Errorf("%s, %s: the planted library ran: %v\n%s", kind, c.name, ran, out)
			}
		}
	}
}
