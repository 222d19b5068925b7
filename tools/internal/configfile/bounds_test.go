package configfile

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestHostileConfig: files of up to a megabyte that a parser would take minutes
// or gigabytes for end soon, with an error that names the file.
func TestHostileConfig(t *testing.T) {
	laughs := "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 9; i++ {
		laughs += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 8), i-1)
	}
	texts := map[string]string{
		"keys.toml":   strings.Repeat("a.", 12000) + "a=1\n", // 24 KB
		"head.toml":   "[" + strings.Repeat("a.", 12000) + "a]\n",
		"tables.toml": "a=" + strings.Repeat("{a=", 6000) + "1" + strings.Repeat("}", 6000) + "\n",
		"some.toml":   "a=" + strings.Repeat("\n[", 499) + strings.Repeat(".\n", 900),
		"flow.yaml":   "a: " + strings.Repeat("[", 12000),
		"flow.json":   strings.Repeat(`{"a":`, 12000),
		"laughs.yaml": laughs,
		"big.json":    `{"a": "` + strings.Repeat("x", 2<<20) + `"}`,
	}
	for name, unit := range map[string]string{"seq": "- ", "rows": "-\n", "tags": "!a ", "anchors": "&a ", "aliases": "*a ", "merge": "<<: ", "commas": "[,", "quotes": `"`, "keys": "a: "} {
		texts[name+".yaml"] = strings.Repeat(unit, 100_000/len(unit))
		texts[name+"2.yaml"] = strings.Repeat(strings.Repeat(unit, 1500/len(unit))+"\n", 40)
		texts[name+"3.yaml"] = strings.Repeat(strings.Repeat(unit, 30/len(unit))+"\n", 1900)
	}
	for name, text := range texts {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begun := time.Now()
		_, err := readConfig(path)
		took := time.Since(begun)
		runtime.ReadMemStats(&after)
		if (err == nil || !strings.Contains(err.Error(), path)) && name != "laughs.yaml" {
			t.Errorf("%s: error %.200v", name, err)
		}
		if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 30*time.Second || allocated > 300 {
			t.Errorf("%s: took %v and %d MB", name, took, allocated)
		}
	}
}
