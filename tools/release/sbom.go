package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// sbomTool lists modules in CycloneDX's JSON.
const sbomTool = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0"

// sbom writes the list of all modules in the programs, for any target, with their hashes
// and licences. The tool's own time and the hashes of its program differ between
// machines, so they are left out.
func sbom(path, version string, when time.Time, temp string) error {
	if _, err := output([]string{"GOBIN=" + temp, "GOFLAGS="}, "go", "install", sbomTool); err != nil {
		return err
	}
	text, err := output(target{"linux", "amd64", ""}.plain(), filepath.Join(temp, "cyclonedx-gomod"), "mod", "-json", "-licenses", "-std", "-noserial")
	if err != nil {
		return err
	}
	var list map[string]any
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return err
	}
	about, _ := list["metadata"].(map[string]any)
	about["timestamp"] = when.Format(time.RFC3339)
	if tools, _ := about["tools"].([]any); len(tools) == 1 {
		delete(tools[0].(map[string]any), "hashes")
	}
	if component, _ := about["component"].(map[string]any); component != nil {
		component["version"] = version
	}
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o666)
}
