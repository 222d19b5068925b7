package launch

import (
	"errors"
	"slices"
	"testing"

	"alexnet/engine/collective"
)

// deaf is a rank that can't hear the others.
type deaf struct {
	collective.Single
	asked []string
}

func (d *deaf) Abort(err error) { d.asked = append(d.asked, "abort: "+err.Error()) }
func (d *deaf) Close() error    { d.asked = append(d.asked, "close"); return nil }

func (*deaf) Gather([]byte) ([][]byte, error) { return nil, errors.New("no route to host") }

// A rank that fails as it joins ends the job instead of waiting for the others, which
// may wait for it.
func TestFailsToJoin(t *testing.T) {
	d := new(deaf)
	if _, err := counted(d); err == nil || !slices.Equal(d.asked, []string{"abort: no route to host", "close"}) {
		t.Errorf("error %v, asked for %q", err, d.asked)
	}
}
