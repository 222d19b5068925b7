package jpeg

// Kind classifies an [*Error]: cut short, damaged, or of an unsupported kind.
type Kind int

const (
	Cut         Kind = iota // the file's end is missing
	Damaged                 // bits are wrong
	Unsupported             // a complete file of an unsupported kind
)

// Error says why a file isn't decoded.
type Error struct {
	Kind   Kind
	Reason string // "its …", a clause about the file
}

func (e *Error) Error() string { return "jpeg: " + e.Reason }
