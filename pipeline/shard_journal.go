package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"alexnet/augment"
	"alexnet/internal/file"
	"alexnet/pipeline/mds"
)

// A job's mark is also its journal: a line of JSON that describes the job and
// then one for each shard that is on the disk. A line that was cut short ends
// the journal.

// journalShard is what has to be known of a finished shard to go on after it.
type journalShard struct {
	Shard      mds.ShardInfo `json:"shard"`
	Items      int           `json:"items"`         // of the job that are done with it, bad ones included
	Bad        []Bad         `json:"bad,omitempty"` // of those, since the shard before
	Statistics augment.Sums  `json:"statistics"`    // of this shard's pictures
}

// journal is the state of an unfinished job.
type journal struct {
	file   *os.File
	job    *Meta // nil: nothing is written yet
	shards []journalShard
}

// journalLimit is the most bytes of a journal or a report that are read: a
// shard takes about a thousand, and a bad picture 200.
const journalLimit = 1 << 28

// readJournal reads as much of the mark as is whole. The file is then ready for
// the next line.
func readJournal(f *os.File) (*journal, error) {
	j := &journal{file: f}
	data, err := file.ReadOpen(f, journalLimit)
	if err != nil {
		return nil, fmt.Errorf("read the journal of the unfinished job: %w", err)
	}
	whole := 0
	for {
		line, _, found := bytes.Cut(data[whole:], []byte{'\n'})
		if !found || !j.parse(line) {
			break
		}
		whole += len(line) + 1
	}
	return j, j.cut(whole)
}

// parse takes in a line, and says whether it is whole.
func (j *journal) parse(line []byte) bool {
	if j.job == nil {
		var job Meta
		if json.Unmarshal(line, &job) != nil || job.Job == nil {
			return false
		}
		j.job = &job
		return true
	}
	var s journalShard
	if json.Unmarshal(line, &s) != nil {
		return false
	}
	j.shards = append(j.shards, s)
	return true
}

// cut ends the file after size bytes.
func (j *journal) cut(size int) error {
	err := j.file.Truncate(int64(size))
	if err == nil {
		_, err = j.file.Seek(int64(size), io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("cut the journal: %w", err)
	}
	return nil
}

// begin starts a journal anew.
func (j *journal) begin(job *Meta) error {
	if err := j.cut(0); err != nil {
		return err
	}
	j.job, j.shards = job, nil
	return j.write(job)
}

// add notes a shard, which is on the disk.
func (j *journal) add(s journalShard) error {
	j.shards = append(j.shards, s)
	return j.write(s)
}

func (j *journal) write(v any) error {
	line, err := json.Marshal(v)
	if err == nil {
		_, err = j.file.Write(append(line, '\n'))
	}
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// keepPresent forgets the shards from the first on that isn't there as it was
// written, and returns the names of the files that are left.
func (j *journal) keepPresent(dir string) (map[string]bool, error) {
	keep := map[string]bool{}
	for i, s := range j.shards {
		file := shardFile(&s.Shard)
		info, err := os.Stat(filepath.Join(dir, file.Basename))
		if err != nil || info.Size() != file.Bytes {
			kept := j.shards[:i]
			if err := j.begin(j.job); err != nil {
				return nil, err
			}
			for _, s := range kept {
				if err := j.add(s); err != nil {
					return nil, err
				}
			}
			break
		}
		keep[file.Basename] = true
	}
	return keep, nil
}

// remove takes the mark away.
func (j *journal) remove() error {
	return file.RemoveOpen(j.file)
}

// shardFile is the form of a shard that our writer leaves on the disk.
func shardFile(s *mds.ShardInfo) *mds.FileInfo {
	if s.ZipData != nil {
		return s.ZipData
	}
	return &s.RawData
}
