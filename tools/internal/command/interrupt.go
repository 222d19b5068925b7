package command

import (
	"time"

	"github.com/urfave/cli/v2"
)

// patience is how long an Interruptible action may continue after Ctrl-C.
const patience = 2 * time.Second

// Interruptible returns an action that ends soon after its context, even within a
// step of minutes. It is for commands that have nothing to save. If action has not
// returned by then, it is abandoned and ends with the process. Results are replaced
// as whole files, so none is left half written.
func Interruptible(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		done := make(chan error, 1)
		go func() { done <- action(c) }()
		select {
		case err := <-done:
			return err
		case <-c.Context.Done():
		}
		select {
		case err := <-done:
			return err
		case <-time.After(patience):
			return c.Context.Err()
		}
	}
}
