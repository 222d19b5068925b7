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

// A job's mark is also its journal: a line of JSON that describes the job, then a line
// for each complete shard. A line that is cut short ends the journal.

// journalShard is the state of the job after a finished shard.
type journalShard struct {
	Shard      mds.ShardInfo `json:"shard"`
	Items      int           `json:"items"`         // items of the job that are done after this shard, bad ones included
	Bad        []Bad         `json:"bad,omitempty"` // bad ones since the previous shard
	Statistics augment.Sums  `json:"statistics"`    // of this shard's pictures
	Enlarged   int           `json:"enlarged,omitempty"`
}

// journal is the state of an unfinished job.
type journal struct {
	file   *os.File
	job    *Meta // nil: nothing has been written
	shards []journalShard
}

// journalLimit is the largest journal or report in bytes that is read: a shard takes
// about a thousand, and a bad picture 200.
const journalLimit = 1 << 28

// readJournal reads the complete lines of the mark. The file is then ready for the next
// line.
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

// parse adds a line, and reports whether it is complete.
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

// begin starts a new journal.
func (j *journal) begin(job *Meta) error {
	if err := j.cut(0); err != nil {
		return err
	}
	j.job, j.shards = job, nil
	return j.write(job)
}

// add records a shard that is on the disk.
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
		return file.Doing("write the journal", err)
	}
	return nil
}

// keepPresent removes from the journal the first shard that isn't on the disk as it was
// written, and all later ones. It returns the names of the remaining files.
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

// remove removes the mark.
func (j *journal) remove() error {
	return file.RemoveOpen(j.file)
}

// shardFile returns the form of a shard that our writer keeps on the disk.
func shardFile(s *mds.ShardInfo) *mds.FileInfo {
	if s.ZipData != nil {
		return s.ZipData
	}
	return &s.RawData
}
