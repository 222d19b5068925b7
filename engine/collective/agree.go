package collective

import (
	"errors"
	"fmt"
)

// Agree tells every rank whether one of them has failed. All ranks call it with their
// own error or nil. It returns nil on all of them, or an error on all of them: a
// rank's own, or one that names the first rank that failed, with its message.
func Agree(group Collective, err error) error {
	if group.Size() == 1 {
		return err
	}
	var own []byte
	if err != nil {
		own = []byte(err.Error())
	}
	all, lost := group.Gather(own)
	if lost != nil {
		return errors.Join(err, lost)
	}
	if err != nil {
		return agreedError{err}
	}
	for rank, text := range all {
		if len(text) > 0 {
			return agreedError{fmt.Errorf("rank %d on %s: %s", rank, group.Hosts()[rank], text)}
		}
	}
	return nil
}

// Agreed marks an error that every rank returns.
func Agreed(err error) error { return agreedError{err} }

// IsAgreed reports whether every rank knows of an error.
func IsAgreed(err error) bool { return errors.As(err, new(agreedError)) }

// agreedError is an error that all ranks have.
type agreedError struct{ error }

func (e agreedError) Unwrap() error { return e.error }

// OnHost returns the number of ranks on this rank's host.
func OnHost(group Collective) int {
	n := 0
	for _, host := range group.Hosts() {
		if host == group.Hosts()[group.Rank()] {
			n++
		}
	}
	return n
}
