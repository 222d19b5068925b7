package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"alexnet/pipeline/mds"
)

// ReportName is the file that lists bad pictures, one JSON object a line.
const ReportName = "report.jsonl"

// unfinishedName is a file that lies in the folder while a job fills it. A later
// job may clear a folder that holds it and no index.
const unfinishedName = ".unfinished"

// output is the folder that a job fills.
type output struct {
	dir    string
	made   bool     // the job made the folder
	marker *os.File // locked while the job runs
}

// openOutput makes dir ready to be filled: it has to be missing, empty, or left
// by a job that didn't finish, whose files it then removes.
func openOutput(dir string) (*output, error) {
	_, err := os.Stat(dir)
	o := &output{dir: dir, made: errors.Is(err, fs.ErrNotExist)}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("make the output folder: %w", err)
	}
	marker := filepath.Join(dir, unfinishedName)
	_, err = os.Stat(marker)
	left := err == nil
	if _, err := removable(dir, left); err != nil {
		return nil, err
	}
	if o.marker, err = os.OpenFile(marker, os.O_CREATE|os.O_RDWR, 0o666); err != nil {
		return nil, fmt.Errorf("mark the output folder: %w", err)
	}
	if err := lockFile(o.marker); err != nil {
		o.marker.Close()
		return nil, fmt.Errorf("%s: another job is filling this folder: wait for it, or choose another with --out: %w", dir, err)
	}
	// Once more: a job that held the lock until now may have finished.
	names, err := removable(dir, left)
	if err != nil {
		return nil, errors.Join(err, o.done())
	}
	return o, o.clear(names)
}

// removable returns the files in dir that an unfinished job has left, and an
// error if there is anything else. left says whether such a job's mark was seen.
func removable(dir string, left bool) ([]string, error) {
	mine, foreign, err := listOutput(dir)
	if err != nil {
		return nil, err
	}
	if foreign == "" && !left && len(mine) > 0 {
		foreign = mine[0]
	}
	if foreign != "" {
		return nil, fmt.Errorf("%s: already holds %s: choose a new folder with --out, or remove this one", dir, foreign)
	}
	return mine, nil
}

// listOutput returns the names of a job's files in dir, and one visible name
// that isn't, or the index of a finished job.
func listOutput(dir string) (mine []string, foreign string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, "", fmt.Errorf("look into the output folder: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		shard, _ := filepath.Match("shard.*.mds*", name)
		switch {
		case shard, name == ReportName, name == ReportName+".tmp", name == mds.IndexName+".tmp":
			mine = append(mine, name)
		case !strings.HasPrefix(name, ".") && (foreign == "" || name == mds.IndexName):
			foreign = name
		}
	}
	return mine, foreign, nil
}

func (o *output) clear(names []string) error {
	for _, name := range names {
		if err := os.Remove(filepath.Join(o.dir, name)); err != nil {
			return fmt.Errorf("clear the output folder: %w", err)
		}
	}
	return nil
}

// done takes the mark away: the folder is finished.
func (o *output) done() error {
	err := os.Remove(o.marker.Name())
	return errors.Join(err, o.marker.Close())
}

// abandon removes what the job has written, and the folder if it made it.
func (o *output) abandon() error {
	names, foreign, err := listOutput(o.dir)
	if err != nil || foreign == mds.IndexName {
		return errors.Join(err, o.marker.Close()) // the index is there: the shards are whole
	}
	err = errors.Join(o.clear(names), o.done())
	if err == nil && o.made {
		os.Remove(o.dir) // fails, rightly, if somebody else put a file there
	}
	return err
}

// writeReport writes the list of bad pictures and returns its path.
func (o *output) writeReport(bad []Bad) (string, error) {
	var text bytes.Buffer
	lines := json.NewEncoder(&text)
	lines.SetEscapeHTML(false)
	for _, b := range bad {
		if err := lines.Encode(b); err != nil {
			return "", err
		}
	}
	path := filepath.Join(o.dir, ReportName)
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return "", fmt.Errorf("write the report: %w", err)
	}
	_, err = f.Write(text.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("write the report, %d bytes: %w", text.Len(), err)
	}
	return path, os.Rename(path+".tmp", path)
}
