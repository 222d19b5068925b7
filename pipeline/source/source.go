package source

import "io"

// Item is one picture of a source.
type Item struct {
	Name  string // path relative to the source, slashes; unique; UTF-8, see EncodeName; stored in the shard
	Label int    // index into Classes
}

// Class is one label's names.
type Class struct {
	ID   string // folder name, see EncodeName; a wnid for ImageNet
	Name string // for people, may be empty
}

// Source is a labelled set of pictures. Open may be called from many
// goroutines at once.
type Source interface {
	Layout() string // "folders"
	Classes() []Class
	Items() []Item // in a fixed order
	Open(Item) (io.ReadCloser, error)
	Close() error
}
