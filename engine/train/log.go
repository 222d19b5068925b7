package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"alexnet/engine"
	"alexnet/engine/train/tensorboard"
	"alexnet/internal/file"
)

// log writes a session's figures: metrics.jsonl for programs, and event files for
// TensorBoard.
type log struct {
	metrics *os.File
	boards  map[string]*tensorboard.Writer // by split
}

// openLog opens the files for a session that begins at a position.
func openLog(dir string, at engine.Position) (*log, error) {
	metrics, err := openMetrics(dir, at)
	if err != nil {
		return nil, err
	}
	l := &log{metrics, map[string]*tensorboard.Writer{}}
	for _, split := range []string{"train", "val"} {
		w, err := tensorboard.Create(filepath.Join(dir, boardName, split), at.Step)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("event file for TensorBoard: %w", err), l.Close())
		}
		l.boards[split] = w
	}
	return l, nil
}

// Close closes the files.
func (l *log) Close() error {
	err := l.metrics.Close()
	for _, b := range l.boards {
		err = errors.Join(err, b.Close())
	}
	return err
}

// write adds a line.
func (l *log) write(line Line) error {
	text, err := json.Marshal(line)
	if err == nil {
		_, err = l.metrics.Write(append(text, '\n'))
	}
	if err != nil {
		return err
	}
	scalars := []tensorboard.Scalar{
		{Tag: "loss", Value: line.Loss}, {Tag: "top1_error", Value: line.Top1Error}, {Tag: "top5_error", Value: line.Top5Error},
		{Tag: "images_per_s", Value: line.ImagesPerSec},
	}
	if line.Split == "train" {
		scalars = append(scalars, tensorboard.Scalar{Tag: "lr", Value: line.Rate}, tensorboard.Scalar{Tag: "waiting", Value: line.Waiting})
	}
	return l.boards[line.Split].Write(line.Step, time.Now(), scalars...)
}

// openMetrics opens metrics.jsonl for appending. It first removes the lines beyond
// the position of the checkpoint, so that no step appears twice.
func openMetrics(dir string, at engine.Position) (*os.File, error) {
	path := filepath.Join(dir, MetricsName)
	f, err := file.OpenOwn(path)
	if err != nil {
		return nil, err
	}
	end, err := metricsEnd(f, at)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// metricsLine is the limit for a line of metrics.jsonl in bytes; usual lines have
// 200.
const metricsLine = 1 << 16

// metricsEnd returns the length of the lines that belong to the time before at. A
// validation at the same step belongs to it if its epoch is over.
func metricsEnd(f io.Reader, at engine.Position) (int64, error) {
	var end int64
	lines := bufio.NewReaderSize(f, metricsLine)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return end, nil // a line without its end was cut off by a kill
		}
		if err != nil {
			return 0, fmt.Errorf("after byte %d: %w", end, err)
		}
		var m engine.Metrics
		if err := json.Unmarshal(bytes.TrimSpace(line), &m); err != nil {
			return 0, fmt.Errorf("after byte %d: %w", end, err)
		}
		if m.Step > at.Step || m.Step == at.Step && m.Split == "val" && at.EpochStep > 0 {
			return end, nil
		}
		end += int64(len(line))
	}
}
