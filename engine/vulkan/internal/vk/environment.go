package vk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"alexnet/internal/dynlib"
)

// Vulkan's loader runs the drivers and layers in manifests, and drivers run the compiled
// shaders in their caches. These variables name the folders of both, as lists if the
// system has lists.
var (
	manifestFolders = []string{"HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME", "XDG_DATA_DIRS"}
	otherPaths      = []string{
		"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES",
		"VK_LAYER_PATH", "VK_ADD_LAYER_PATH", "VK_IMPLICIT_LAYER_PATH", "VK_ADD_IMPLICIT_LAYER_PATH",
		"XDG_CACHE_HOME", "MESA_SHADER_CACHE_DIR", "MESA_GLSL_CACHE_DIR", "__GL_SHADER_DISK_CACHE_PATH",
	}
)

// checkEnvironment refuses environment variables that lead the loader to the current
// folder, and manifests that another user may have written.
func checkEnvironment() error {
	for _, name := range append(manifestFolders, otherPaths...) {
		for _, path := range filepath.SplitList(os.Getenv(name)) {
			if path == "" {
				continue // the loader ignores it
			}
			if err := dynlib.Absolute(path, "$"+name); err != nil {
				return err
			}
		}
	}
	if runtime.GOOS == "windows" {
		return nil // the registry lists its manifests
	}
	for _, name := range manifestFolders {
		for _, folder := range filepath.SplitList(os.Getenv(name)) {
			if folder == "" {
				continue
			}
			patterns := []string{"vulkan/*/*.json"}
			if name == "HOME" {
				patterns = []string{".config/vulkan/*/*.json", ".local/share/vulkan/*/*.json"}
			}
			for _, pattern := range patterns {
				manifests, _ := fs.Glob(os.DirFS(folder), pattern) // unreadable folders are skipped
				for _, m := range manifests {
					if err := dynlib.Trusted(filepath.Join(folder, m)); errors.As(err, new(*dynlib.RefusedError)) {
						return err
					}
				}
			}
		}
	}
	return nil
}
