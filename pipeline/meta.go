package pipeline

import "alexnet/augment"

// MetaKey is the top-level key of index.json that holds a Meta. MosaicML's
// reader ignores keys that it doesn't know.
const MetaKey = "alexnet"

// FormatVersion is the Meta.FormatVersion that this package writes and reads.
const FormatVersion = 1

// Columns of every shard that this package writes and reads, in MDS' order.
const (
	ImageColumn = "image" // a picture in its codec's encoding
	LabelColumn = "label" // "int", an index into Meta.Classes
	NameColumn  = "name"  // "str", the picture's path in its source
)

// Meta is our own part of a shard folder's index.json. It doesn't depend on the time,
// the machine or the number of workers of the job.
type Meta struct {
	FormatVersion int          `json:"format_version"`
	Split         string       `json:"split"` // "train" or "val"
	Images        int          `json:"images"`
	Size          int          `json:"size"` // pixels a side, 256
	Codec         string       `json:"codec"`
	Quality       int          `json:"quality,omitempty"` // JPEG quality
	Seed          uint64       `json:"seed"`              // of the global order
	Classes       []Class      `json:"classes"`           // index = label
	Statistics    augment.Sums `json:"statistics"`        // of the pixels before the codec
	Source        SourceInfo   `json:"source"`
	Job           *Job         `json:"job,omitempty"`  // nil for folders made by other means
	Part          *Part        `json:"part,omitempty"` // of a job that several processes share; nil for a whole one
}

// Class holds the names of one label.
type Class struct {
	ID   string `json:"id"`             // the folder's name, a wnid for ImageNet
	Name string `json:"name,omitempty"` // for people, where the source has one
}

// SourceInfo describes where the pictures came from.
type SourceInfo struct {
	Layout  string `json:"layout"`            // "folders", …
	Found   int    `json:"found"`             // pictures listed
	Skipped int    `json:"skipped,omitempty"` // bad ones left out

	// These are set if the source had no validation set and source.Divide divided it.
	SplitFraction float64 `json:"split_fraction,omitempty"` // of each class that is for validation; 0: not divided
	SplitSeed     uint64  `json:"split_seed,omitempty"`
}
