package file

import "io/fs"

// Missing makes an error about a file or folder that isn't there: errors.Is finds
// fs.ErrNotExist in it, and its text is that of err alone, which says what to do.
func Missing(err error) error { return &missing{err} }

type missing struct{ error }

func (m *missing) Unwrap() error        { return m.error }
func (m *missing) Is(target error) bool { return target == fs.ErrNotExist }
