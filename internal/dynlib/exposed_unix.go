//go:build unix

package dynlib

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// exposed returns how others can change the file of info, or "" if they can't. within
// means that it is a folder on the path to a file that is checked by itself.
func exposed(info fs.FileInfo, within bool) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "tells no owner"
	}
	me := uint32(os.Geteuid())
	if s.Uid != 0 && s.Uid != me {
		return fmt.Sprintf("belongs to user %d, who is neither root nor you", s.Uid)
	}
	mode := info.Mode()
	if mode&os.ModeSymlink != 0 || within && mode.IsDir() && mode&os.ModeSticky != 0 {
		return "" // a link's mode means nothing
	}
	// Accepted groups: root's, macOS's administrators (they may become root), and a user's
	// own.
	private := s.Gid == 0 || runtime.GOOS == "darwin" && s.Gid == 80 || s.Gid == s.Uid && s.Uid == me
	switch perm := mode.Perm(); {
	case perm&0o002 != 0:
		return "can be written by everybody"
	case perm&0o020 != 0 && !private:
		return fmt.Sprintf("can be written by group %d", s.Gid)
	}
	return ""
}
