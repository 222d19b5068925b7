package command

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

// TestInterruptible: an action that doesn't look at its context is left soon after that
// has ended, and one that ends says what it always says.
func TestInterruptible(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := cli.NewContext(cli.NewApp(), nil, nil)
	c.Context = ctx
	failed := errors.New("failed")
	if err := Interruptible(func(*cli.Context) error { return failed })(c); err != failed {
		t.Errorf("error %v, want the action's", err)
	}
	for name, action := range map[string]struct {
		run  cli.ActionFunc
		want error
	}{
		"a step that never ends":     {func(*cli.Context) error { select {} }, context.Canceled},
		"a step that saves at once":  {func(c *cli.Context) error { <-c.Context.Done(); return failed }, failed},
		"a step that ends meanwhile": {func(c *cli.Context) error { <-c.Context.Done(); time.Sleep(20 * time.Millisecond); return nil }, nil},
	} {
		time.AfterFunc(20*time.Millisecond, cancel)
		began := time.Now()
		if err := Interruptible(action.run)(c); !errors.Is(err, action.want) {
			t.Errorf("%s: error %v, want %v", name, err, action.want)
		}
		if took := time.Since(began); took > patience+10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}
