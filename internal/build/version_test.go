package build

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// TestBuildVersion: what Go records of a build in a clone, with and without a tag,
// and elsewhere.
func TestBuildVersion(t *testing.T) {
	const revision = "5d06e94c84285d45c67943291aec96a1a643c9c6"
	for _, c := range []struct{ module, revision, modified, want string }{
		{"(devel)", "", "", unknownVersion},
		{"", "", "", unknownVersion},
		{"(devel)", revision, "false", "2026-11-28, commit " + revision},
		{"v0.0.0-20261128160046-5d06e94c8428", revision, "false", "2026-11-28, commit " + revision},
		{"v0.0.0-20261128160046-5d06e94c8428+dirty", revision, "true", "2026-11-28, commit " + revision + ", with changes or untracked files"},
		{"v1.2.0", revision, "false", "v1.2.0, commit " + revision},
		{"v1.2.0+dirty", revision, "true", "v1.2.0, commit " + revision + ", with changes or untracked files"},
		{"v1.2.0", "", "", "v1.2.0"},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: c.module}}
		if c.revision != "" {
			info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: c.revision}, {Key: "vcs.time", Value: "2026-11-28T16:00:46Z"}, {Key: "vcs.modified", Value: c.modified}}
		}
		if got := version(info); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	if about := About(); !strings.HasPrefix(about, Version()+" (go1.") || !strings.HasSuffix(about, "/"+runtime.GOARCH+")") {
		t.Error(about)
	}
}
