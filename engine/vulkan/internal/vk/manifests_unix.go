//go:build !windows

package vk

import (
	"os"
	"path/filepath"

	"alexnet/internal/dynlib"
)

// Variables by which a user tells Vulkan's loader where the files lie that name
// libraries to it (github.com/KhronosGroup/Vulkan-Loader, docs/LoaderInterfaceArchitecture.md).
var (
	bases    = []string{"XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME", "XDG_DATA_DIRS"}
	homes    = []string{".config", ".local/share"}
	kinds    = []string{"icd.d", "implicit_layer.d", "explicit_layer.d", "loader_settings.d"}
	directly = []string{
		"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES", "VK_LAYER_PATH", "VK_ADD_LAYER_PATH",
		"VK_IMPLICIT_LAYER_PATH", "VK_ADD_IMPLICIT_LAYER_PATH",
	}
)

// checkManifests refuses a file that names drivers or layers to the loader where the
// user's environment leads to it and others may have put it there: by a relative path,
// or in a folder that they can write to. The loader would run what it names.
func checkManifests() error {
	for _, name := range directly {
		for _, path := range filepath.SplitList(os.Getenv(name)) {
			files := []string{path}
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				files, _ = filepath.Glob(filepath.Join(path, "*.json"))
			}
			if err := checkFiles(files, name); err != nil {
				return err
			}
		}
	}
	for _, name := range bases {
		for _, folder := range filepath.SplitList(os.Getenv(name)) {
			if err := checkBase(folder, name); err != nil {
				return err
			}
		}
	}
	for _, below := range homes {
		if home := os.Getenv("HOME"); home != "" {
			if err := checkBase(filepath.Join(home, below), "HOME"); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkBase checks the files below a folder of a variable.
func checkBase(folder, variable string) error {
	for _, kind := range kinds {
		files, _ := filepath.Glob(filepath.Join(folder, "vulkan", kind, "*.json"))
		if err := checkFiles(files, variable); err != nil {
			return err
		}
	}
	return nil
}

func checkFiles(files []string, variable string) error {
	for _, path := range files {
		if _, err := os.Stat(path); err != nil {
			continue // the loader passes it over
		}
		if err := dynlib.Absolute(path, "$"+variable); err != nil {
			return err
		}
		if err := dynlib.Trusted(path); err != nil {
			return err
		}
	}
	return nil
}
