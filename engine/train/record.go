package train

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"alexnet/engine"
	"alexnet/internal/build"
	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline"
)

// Names in a run folder.
const (
	RecordName      = "run.json"
	MetricsName     = "metrics.jsonl"
	CheckpointsName = "checkpoints"
	boardName       = "tensorboard" // train and val below it
)

// Record is the contents of run.json.
type Record struct {
	Settings   json.RawMessage `json:"settings"`
	Net        *engine.Net     `json:"net"`
	Parameters int             `json:"parameters"`
	Train      DataRecord      `json:"train"`
	Val        *DataRecord     `json:"val,omitempty"`
	Sessions   []Session       `json:"sessions"`
	Made       []MadeChange    `json:"changes,omitempty"`  // changes of the settings that were made
	Finished   string          `json:"finished,omitempty"` // why the run ended by itself; "" if it may go on

	Path string `json:"-"` // of the file that was read
}

// MadeChange is a change that was made.
type MadeChange struct {
	Change Change `json:"change"`
	Epoch  int    `json:"epoch"` // passes done before
	Step   uint64 `json:"step"`  // updates done before
}

// made records that changes were made at a position. Changes that are recorded already
// keep theirs.
func (r *Record) made(changes Changes, at engine.Position) {
	old := r.Made
	r.Made = nil
	for _, c := range changes {
		m := MadeChange{c, at.Epoch, at.Step}
		for _, o := range old {
			if o.Change.String() == c.String() && o.Step <= at.Step {
				m = o
			}
		}
		r.Made = append(r.Made, m)
	}
}

// DataRecord identifies a folder of shards: its index holds the hashes of all shards.
type DataRecord struct {
	Dir    string `json:"dir"`
	Images int    `json:"images"`
	Index  string `json:"index_sha256"`
}

// Session is one start of the program on the run.
type Session struct {
	Began    time.Time `json:"began"`
	Step     uint64    `json:"step"` // updates done before
	Version  string    `json:"version"`
	Go       string    `json:"go"`
	Platform string    `json:"platform"`
	CPUs     int       `json:"cpus"`
	Devices  string    `json:"devices"`
	Kernels  string    `json:"kernels,omitempty"` // of a CPU

	// Settings are those of this start; records of older programs have none.
	Settings json.RawMessage `json:"settings,omitempty"`
}

func newSession(step uint64, devices, kernels string) Session {
	return Session{
		Began: time.Now().UTC().Truncate(time.Second), Step: step, Version: build.Version(), Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Devices: devices, Kernels: kernels,
	}
}

// describeData makes the record of the shards at a place.
func describeData(place string, d *pipeline.Dataset) (DataRecord, error) {
	text, err := d.IndexText()
	if err != nil {
		return DataRecord{}, err
	}
	sum := sha256.Sum256(text)
	return DataRecord{Dir: place, Images: d.Len(), Index: hex.EncodeToString(sum[:])}, nil
}

// runLimit is the limit for run.json in bytes; a session takes 300.
const runLimit = 16 << 20

// ReadRecord reads run.json. If it is missing, the error is an fs.ErrNotExist.
func ReadRecord(dir string) (*Record, error) {
	path := filepath.Join(dir, RecordName)
	text, err := file.ReadAll(path, runLimit)
	if err != nil {
		return nil, err
	}
	r := &Record{Path: path}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.Net == nil {
		return nil, fmt.Errorf("%s: it has no net, so no training wrote it", path)
	}
	return r, nil
}

// chooseResume sets Resume for AutoResume if there is a run to resume. All ranks
// decide alike, because rank 0 writes run.json only after all have joined.
func (c *Config) chooseResume() error {
	if c.Run == "" && (c.Resume || c.AutoResume) {
		name := "resume"
		if c.AutoResume {
			name = "autoresume"
		}
		return setting.Invalidf("%s needs %s DIR, the folder of the run to go on with", setting.Name(name), setting.Name("run"))
	}
	if c.AutoResume {
		_, err := ReadRecord(c.Run)
		c.Resume = !errors.Is(err, os.ErrNotExist) // begin reports what is wrong with run.json
	}
	return nil
}

// Resumes reports whether c goes on with a run: with Resume, or with AutoResume if
// there is a run in Run.
func (c *Config) Resumes() bool {
	if c.Resume || !c.AutoResume {
		return c.Resume
	}
	_, err := ReadRecord(c.Run)
	return err == nil
}

// Config returns the configuration of the run's last session. Settings that older
// programs did not record are as in Defaults.
func (r *Record) Config() (Config, error) {
	c := Defaults()
	if err := json.Unmarshal(r.Settings, &c); err != nil {
		return c, fmt.Errorf("%s: settings: %w", r.Path, err)
	}
	return c, nil
}

// begin checks that dir holds no run, or with resume that it does.
func begin(dir string, resume bool) (*Record, error) {
	r, err := ReadRecord(dir)
	switch {
	case resume && errors.Is(err, os.ErrNotExist):
		return nil, setting.Invalidf("%s: %s holds no run (no %s): leave %[1]s out to start one", setting.Name("resume"), dir, RecordName)
	case resume:
		return r, err
	case err == nil:
		return nil, setting.Invalidf("%s already holds a run: add %s to go on with it, or give another folder", setting.Value("run", dir), setting.Name("resume"))
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	if data := holdsData(dir, 1); data != "" {
		return nil, setting.Invalidf("%s holds %s, so it is no folder for a run: give a new one", setting.Value("run", dir), printable.Name(data))
	}
	return nil, nil
}

// holdsData returns the first picture or shard in a folder, or in its subfolders up to
// levels deep; "" if there is none. It detects a folder of data given as a run folder.
func holdsData(dir string, levels int) string {
	entries, _ := os.ReadDir(dir) // writing to an unreadable folder will fail with a reason
	for _, e := range entries {
		if e.IsDir() && levels > 0 {
			if below := holdsData(filepath.Join(dir, e.Name()), levels-1); below != "" {
				return filepath.Join(e.Name(), below)
			}
		}
		if slices.Contains(dataEndings, strings.ToLower(filepath.Ext(e.Name()))) {
			return e.Name()
		}
	}
	return ""
}

var dataEndings = []string{".jpg", ".jpeg", ".mds", ".tar"}

// write replaces run.json.
func (r *Record) write(dir string) error {
	return file.Write(filepath.Join(dir, RecordName), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	})
}
