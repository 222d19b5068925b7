package engine

import (
	"errors"
	"strings"
)

// joinNew joins errors without repetitions: a failed device returns the same error for
// every call.
func joinNew(errs ...error) error {
	var all error
	for _, err := range errs {
		if err != nil && (all == nil || !repeats(err, all.Error())) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// repeats reports whether a text already contains the cause of err, or the causes of
// all errors that err joins.
func repeats(err error, text string) bool {
	for {
		switch wrapper := err.(type) {
		case interface{ Unwrap() []error }:
			for _, e := range wrapper.Unwrap() {
				if !repeats(e, text) {
					return false
				}
			}
			return true
		case interface{ Unwrap() error }:
			// An inner error without its own text is a kind, for programs to test.
			if inner := wrapper.Unwrap(); inner != nil && strings.Contains(err.Error(), inner.Error()) {
				err = inner
				continue
			}
		}
		return strings.Contains(text, err.Error())
	}
}
