// Package build tells from which commit this program was built.
package build

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Version returns the tag that the program was built from, if it has one, else its day,
// and the commit. It says whether files differed from the commit, which Go also records
// for files that git doesn't know. It says so if the build recorded no commit: outside a
// clone, without git, or by go run, which records it only with -buildvcs=true.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknownVersion
	}
	return version(info)
}

// About is Version with the compiler and the platform.
func About() string {
	return fmt.Sprintf("%s (%s, %s/%s)", Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

const unknownVersion = "unknown, built without a clone's commit"

func version(info *debug.BuildInfo) string {
	var revision, day, note string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.time":
			day, _, _ = strings.Cut(s.Value, "T")
		case s.Key == "vcs.modified" && s.Value == "true":
			note = ", with changes or untracked files"
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
		day = tag
	}
	return strings.TrimPrefix(day+", commit ", ", ") + revision + note
}
