package stream

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/pipeline/mds"
)

// Version is the protocol's. It changes when an older client would misunderstand
// a server, or an older server a client.
const Version = 2

// Greeting is a server's first line: what the memory holds and what is in the
// folder of shards. Offsets and sizes are in bytes.
type Greeting struct {
	Stream    int    `json:"stream"`     // Version
	Program   string `json:"program"`    // the server's own version, for people
	Bytes     int    `json:"bytes"`      // of the memory
	Slots     int    `json:"slots"`      // in the memory, one behind the other
	SlotBytes int    `json:"slot_bytes"` // of each, a multiple of the page size
	Shape     [4]int `json:"shape"`      // of the pixels at a slot's start: (N, H, W, 3) or (N, 3, H, W), u8
	Colours   int    `json:"colours"`    // offset in a slot of (N, 3) f32, in 0–255 units
	Labels    int    `json:"labels"`     // offset of (N) i64
	Samples   int    `json:"samples"`    // offset of (N) i64

	Batches int              `json:"batches"` // in an epoch of this rank; 0 on demand
	Images  int              `json:"images"`  // in the folder
	Size    int              `json:"size"`    // pixels a side of the stored pictures
	Codec   string           `json:"codec"`
	Split   string           `json:"split"`
	Classes []pipeline.Class `json:"classes"`
}

// reply is any other line of a server. All but ID have one field set.
type reply struct {
	ID    int                   `json:"id,omitempty"`    // of the request that it answers
	Batch *filled               `json:"batch,omitempty"` // a slot that now belongs to the client
	End   bool                  `json:"end,omitempty"`   // there are no more batches
	Names []string              `json:"names,omitempty"`
	Bad   []badSample           `json:"bad,omitempty"` // newly found samples that are left out
	Stats *pipeline.LoaderStats `json:"stats,omitempty"`
	Note  string                `json:"note,omitempty"`  // a message for the user
	Error string                `json:"error,omitempty"` // with an ID, of that request; otherwise of the stream, in its last line
	Kind  string                `json:"kind,omitempty"`  // of the error
}

// filled is a batch in a slot.
type filled struct {
	Slot   int `json:"slot"`
	Epoch  int `json:"epoch"`
	Step   int `json:"step"`
	Rows   int `json:"rows"`   // rows of the batch
	Images int `json:"images"` // filled rows, the first ones; the others are padding
}

// badSample is a sample that was left out.
type badSample struct {
	Sample int    `json:"sample"`
	Reason string `json:"reason"`
}

// request is a line of a client.
type request struct {
	ID      int   `json:"id"`
	Release *int  `json:"release"` // a slot that the client returns
	Names   []int `json:"names"`   // samples whose names are requested
	Pick    []int `json:"pick"`    // samples requested in slot Slot; on demand only
	Slot    int   `json:"slot"`
	Stats   bool  `json:"stats"`
	Close   bool  `json:"close"` // the same as the end of the lines
}

// Kinds of errors.
const (
	KindUsage   = "usage"   // wrong options
	KindMissing = "missing" // a file isn't there
	KindDamaged = "damaged" // a shard or a sample is damaged
	KindMemory  = "memory"  // too little memory for the slots
	KindFailed  = "failed"  // any other
)

// memoryError is the lack of shared memory.
type memoryError struct{ error }

func (e *memoryError) Unwrap() error { return e.error }

// usageError is an error of the options.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// kind returns the kind of an error for the client.
func kind(err error) string {
	switch {
	case errors.As(err, new(*memoryError)):
		return KindMemory
	case errors.As(err, new(*usageError)):
		return KindUsage
	case errors.As(err, new(*mds.CorruptError)):
		return KindDamaged
	case errors.Is(err, fs.ErrNotExist):
		return KindMissing
	}
	return KindFailed
}

// WriteError writes the line that tells the client why there is no stream, or why it
// has ended. kind is one of the constants, or "" for the kind of the error.
func WriteError(out io.Writer, as string, err error) error {
	if as == "" {
		as = kind(err)
	}
	return (&writer{to: out}).write(reply{Error: printable.Error(err), Kind: as})
}

// WriteNote writes a line for the user.
func WriteNote(out io.Writer, text string) error { return (&writer{to: out}).write(reply{Note: text}) }

// writer writes whole lines, from any goroutine.
type writer struct {
	mu sync.Mutex
	to io.Writer
}

func (w *writer) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = w.to.Write(append(line, '\n'))
	return err
}

// Limits of a client's requests. A longer one is a mistake, and would take unlimited
// memory.
const (
	mostLine  = 4 << 20 // bytes, enough for half a million samples
	mostNames = 1 << 16
)

// requests calls answer with each of the client's lines until the lines end, the client
// closes the stream, or ctx ends.
func requests(ctx context.Context, in io.Reader, answer func(request) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, mostLine)
	for lines.Scan() && ctx.Err() == nil {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("a client's line: %w", err)
		}
		if r.Close {
			return nil
		}
		if err := answer(r); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a client's line has over %d bytes", mostLine)
	}
	return nil
}
