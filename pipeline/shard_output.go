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

	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline/mds"
)

// ReportName is the file that lists bad pictures, one JSON object a line.
const ReportName = "report.jsonl"

// unfinishedName is the job's mark: a file in the folder while a job fills it, locked
// while the job runs. It holds the journal.
const unfinishedName = mds.UnfinishedName

// output is the folder that a job fills.
type output struct {
	dir     string
	made    bool            // the job made the folder
	base    map[string]bool // files of the index that an append adds to; nil otherwise
	journal *journal
}

// openOutput prepares dir for job. dir has to be missing, empty, or left by the same job,
// which then continues after the shards in the journal. base is the folder's index for an
// append, and nil otherwise.
func openOutput(dir string, job *Meta, base *mds.Index) (_ *output, err error) {
	o := &output{dir: dir}
	if base != nil {
		o.base = map[string]bool{}
		for i := range base.Shards {
			o.base[shardFile(&base.Shards[i]).Basename] = true
		}
	}
	_, err = os.Stat(dir)
	o.made = errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("make the output folder: %w", err)
	}
	mark := filepath.Join(dir, unfinishedName)
	_, err = os.Stat(mark)
	left := err == nil
	if _, err := o.removable(left); err != nil {
		return nil, err
	}
	f, err := file.OpenOwn(mark)
	if err != nil {
		return nil, fmt.Errorf("mark the output folder: %w", err)
	}
	if err := lockMark(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if o.journal, err = readJournal(f); err == nil {
		err = o.takeOver(job, left)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return o, nil
}

// lockMark locks a folder's mark for this job. On a file system without locks, the writer
// of shards still refuses to replace another job's files.
func lockMark(f *os.File) error {
	mine, err := file.TryLock(f)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil
	case err == nil && !mine:
		return errors.New("another job is filling this folder: wait for it, or choose another folder")
	}
	return err
}

// takeOver removes files of the folder that the journal doesn't list.
func (o *output) takeOver(job *Meta, left bool) error {
	// Check again: a job that held the lock may have finished meanwhile.
	names, err := o.removable(left)
	if err != nil {
		return errors.Join(err, o.journal.remove())
	}
	if o.journal.job == nil {
		if err := o.clear(names, nil); err != nil {
			return err
		}
		return o.journal.begin(job)
	}
	if why := o.journal.job.differs(job); why != "" {
		return &OtherJobError{why, setting.Errorf("%s: holds an unfinished job of %s with %s: "+
			"give that job's settings and pictures to go on with it, choose another folder with %s, or remove %s and the shards that %s doesn't list",
			o.dir, printable.Count(len(o.journal.shards), "shard"), why, setting.Name("out"), unfinishedName, mds.IndexName)}
	}
	keep, err := o.journal.keepPresent(o.dir)
	if err != nil {
		return err
	}
	return o.clear(names, keep)
}

// removable returns the files that an unfinished job has left in the folder, and an error
// if there is anything else. left says whether such a job's mark was seen.
func (o *output) removable(left bool) ([]string, error) {
	mine, foreign, err := o.list()
	if err != nil {
		return nil, err
	}
	if foreign == "" && !left && len(mine) > 0 {
		foreign = mine[0]
	}
	switch {
	case foreign == "":
		return mine, nil
	case o.base != nil:
		return nil, fmt.Errorf("%s: holds %s, which %s doesn't list: remove it", o.dir, foreign, mds.IndexName)
	}
	return nil, setting.Errorf("%s: already holds %s: choose a new folder with %s, or remove this one", o.dir, foreign, setting.Name("out"))
}

// list returns the names of a job's files in the folder, and one visible name
// that isn't. In a folder that is appended to, foreign files don't matter.
func (o *output) list() (mine []string, foreign string, err error) {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return nil, "", fmt.Errorf("look into the output folder: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		shard, _ := filepath.Match("shard.*.mds*", name)
		report := name == ReportName && o.base == nil
		of := becomes(name)
		switch {
		case o.base[name]:
		case shard, report, of == ReportName, of == mds.IndexName:
			mine = append(mine, name)
		case o.base == nil && !strings.HasPrefix(name, ".") && (foreign == "" || name == mds.IndexName):
			foreign = name
		}
	}
	return mine, foreign, nil
}

// becomes returns the final name of a temporary file, "" if it is none.
func becomes(name string) string {
	if of, ok := file.Temporary(name); ok {
		return of
	}
	of, ok := strings.CutSuffix(name, ".tmp") // the name in earlier versions
	if !ok {
		return ""
	}
	return of
}

// clear removes names except those in keep.
func (o *output) clear(names []string, keep map[string]bool) error {
	for _, name := range names {
		if keep[name] {
			continue
		}
		if err := os.Remove(filepath.Join(o.dir, name)); err != nil {
			return fmt.Errorf("clear the output folder: %w", err)
		}
	}
	return nil
}

// done removes the mark: the folder is finished.
func (o *output) done() error { return o.journal.remove() }

// abandon removes what the job has written, except the shards in the journal.
// If there are none, the mark goes too, and the folder if the job made it.
func (o *output) abandon() error {
	names, _, err := o.list()
	if err != nil {
		return errors.Join(err, o.journal.file.Close())
	}
	if len(o.journal.shards) > 0 {
		keep := map[string]bool{}
		for _, s := range o.journal.shards {
			keep[shardFile(&s.Shard).Basename] = true
		}
		return errors.Join(o.clear(names, keep), o.journal.file.Close())
	}
	err = errors.Join(o.clear(names, nil), o.done())
	if err == nil && o.made {
		os.Remove(o.dir) // fails, rightly, if the folder holds another file
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
	if err := file.WriteAll(path, text.Bytes()); err != nil {
		return "", fmt.Errorf("the report, %d bytes: %w", text.Len(), err)
	}
	return path, nil
}

// dropMark removes the mark of a job that was killed after it had written the index,
// whose Meta is m.
func dropMark(dir string, m *Meta) error {
	mark := filepath.Join(dir, unfinishedName)
	if _, err := os.Lstat(mark); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f, err := file.OpenOwn(mark)
	if err != nil {
		return fmt.Errorf("look at the mark of a finished job: %w", err)
	}
	if err := lockMark(f); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", dir, err), f.Close())
	}
	j, err := readJournal(f)
	if err == nil && j.job != nil && j.job.pictures() == m.pictures() {
		return j.remove()
	}
	return errors.Join(err, f.Close()) // the mark of an unfinished append
}
