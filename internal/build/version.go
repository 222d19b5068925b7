// Package build tells from which commit this program was built.
package build

import (
	"runtime/debug"
	"strings"
)

// Version returns the commit that the program was built from, behind its tag if it
// has one, and says whether files differed from it. It says so if the build recorded
// no commit: outside a clone, without git, or by go run, which records it only with
// -buildvcs=true.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknownVersion
	}
	return version(info)
}

const unknownVersion = "unknown, built without a clone's commit"

func version(info *debug.BuildInfo) string {
	var revision, note string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			note = " with changes"
		}
	}
	// Without a tag, Go makes a version from the time and the commit.
	tag, _, _ := strings.Cut(info.Main.Version, "+")
	tagged := strings.HasPrefix(tag, "v") && (revision == "" || !strings.HasSuffix(tag, revision[:min(12, len(revision))]))
	switch {
	case revision == "" && !tagged:
		return unknownVersion
	case revision == "":
		return tag
	case tagged:
		return tag + " " + revision + note
	}
	return revision + note
}
