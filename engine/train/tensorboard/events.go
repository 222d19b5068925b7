package tensorboard

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"alexnet/internal/file"
)

// Writer writes the events of one session of a run.
//
// A file is a list of TFRecords (tensorflow/core/lib/io/record_writer.h), all
// numbers little-endian:
//
//	u64 length | u32 masked CRC of the length | bytes | u32 masked CRC of the bytes
//
// whose bytes are Event messages (tensorflow/core/util/event.proto).
type Writer struct {
	w io.Writer
	c io.Closer
}

// Field numbers of Event, SessionLog, Summary and Summary.Value.
const (
	eventWallTime    = 1 // double, seconds
	eventStep        = 2 // int64
	eventFileVersion = 3 // string
	eventSummary     = 5 // Summary
	eventSessionLog  = 7 // SessionLog
	sessionStatus    = 1 // enum
	sessionStart     = 1 // SessionLog.START
	summaryValue     = 1 // repeated Value
	valueTag         = 1 // string
	valueSimple      = 2 // float
)

// Create makes a new event file in dir, for a session that continues after step.
// TensorBoard then ignores what earlier sessions wrote beyond that step.
func Create(dir string, step uint64) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	now := time.Now()
	name := fmt.Sprintf("events.out.tfevents.%010d.%s.%d", now.Unix(), host, now.UnixNano())
	f, err := file.CreateNew(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	w := &Writer{f, f}
	if err := w.begin(now, step); err != nil {
		f.Close()
		return nil, err
	}
	return w, nil
}

// begin writes the file's version and the session's start.
func (w *Writer) begin(now time.Time, step uint64) error {
	version := bytesField(head(now, 0), eventFileVersion, []byte("brain.Event:2"))
	if err := w.record(version); err != nil {
		return err
	}
	if step == 0 {
		return nil
	}
	start := varintField(nil, sessionStatus, sessionStart) // drops this step and later ones
	return w.record(bytesField(head(now, step+1), eventSessionLog, start))
}

// Scalar is one value of a curve.
type Scalar struct {
	Tag   string
	Value float64
}

// Write writes the scalars of a step as one event.
func (w *Writer) Write(step uint64, now time.Time, scalars ...Scalar) error {
	var summary []byte
	for _, s := range scalars {
		value := bytesField(nil, valueTag, []byte(s.Tag))
		value = append(value, valueSimple<<3|5)
		value = binary.LittleEndian.AppendUint32(value, math.Float32bits(float32(s.Value)))
		summary = bytesField(summary, summaryValue, value)
	}
	return w.record(bytesField(head(now, step), eventSummary, summary))
}

// Close closes the file.
func (w *Writer) Close() error { return w.c.Close() }

// head is the beginning of every Event.
func head(now time.Time, step uint64) []byte {
	event := []byte{eventWallTime<<3 | 1}
	event = binary.LittleEndian.AppendUint64(event, math.Float64bits(float64(now.UnixNano())/1e9))
	return varintField(event, eventStep, step)
}

func varintField(b []byte, number byte, v uint64) []byte {
	return binary.AppendUvarint(append(b, number<<3), v)
}

func bytesField(b []byte, number byte, v []byte) []byte {
	b = binary.AppendUvarint(append(b, number<<3|2), uint64(len(v)))
	return append(b, v...)
}

// record writes one TFRecord in a single write, so that after a kill all records but
// the last are whole.
func (w *Writer) record(data []byte) error {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, masked(b))
	b = append(b, data...)
	b = binary.LittleEndian.AppendUint32(b, masked(data))
	_, err := w.w.Write(b)
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the CRC-32C of b, rotated and offset as TFRecords require.
func masked(b []byte) uint32 {
	crc := crc32.Checksum(b, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}
