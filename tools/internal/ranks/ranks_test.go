package ranks

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/tools/internal/command"
)

// pretender is rank 0 of two that writes down what it is asked.
type pretender struct {
	collective.Single
	asked []string
}

func (p *pretender) Size() int       { return 2 }
func (p *pretender) Hosts() []string { return []string{"a", "b"} }
func (p *pretender) Abort(err error) { p.asked = append(p.asked, "abort: "+err.Error()) }
func (p *pretender) Close() error    { p.asked = append(p.asked, "close"); return nil }
func (p *pretender) Gather(data []byte) ([][]byte, error) {
	p.asked = append(p.asked, fmt.Sprintf("gather %d bytes", len(data)))
	return [][]byte{data, []byte("no space left")}, nil
}

// deaf is a rank that can't hear the others.
type deaf struct{ pretender }

func (*deaf) Gather([]byte) ([][]byte, error) { return nil, errors.New("no route to host") }

// A rank that fails as it joins ends the job instead of waiting for the others, which
// may wait for it.
func TestFailsToJoin(t *testing.T) {
	d := new(deaf)
	if _, err := counted(d); err == nil || !slices.Equal(d.asked, []string{"abort: no route to host", "close"}) {
		t.Errorf("error %v, asked for %q", err, d.asked)
	}
}

// A job ends for what the other ranks can't know, but not for bad pictures; where GPUs have stalled, ranks
// meet before, so that the missing one is named.
func TestClose(t *testing.T) {
	stalled := fmt.Errorf("step 7: cuda:0: %w", engine.ErrStalled)
	agreed := Agree(new(pretender), nil)
	if want := "rank 1 on b: no space left"; agreed == nil || agreed.Error() != want {
		t.Fatalf("agreed on %v, want %s", agreed, want)
	}
	for _, c := range []struct {
		err  error
		want []string
	}{
		{nil, []string{"close"}},
		{agreed, []string{"close"}},
		{command.WithCode(command.Skipped, errors.New("1 of 2 pictures left out")), []string{"close"}},
		{errors.New("lost"), []string{"abort: lost", "close"}},
		{stalled, []string{"gather 0 bytes", "abort: step 7: cuda:0: the ranks have stalled", "close"}},
	} {
		p := new(pretender)
		if err := Close(p, c.err); !errors.Is(err, c.err) && c.err != nil || err != nil && c.err == nil {
			t.Errorf("%v: closed with %v", c.err, err)
		}
		if !slices.Equal(p.asked, c.want) {
			t.Errorf("%v: asked for %q, want %q", c.err, p.asked, c.want)
		}
	}
}
