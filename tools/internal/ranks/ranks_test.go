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

// A job ends for what the other ranks can't know, but not for bad pictures; where GPUs have stalled, ranks
// meet before, so that the missing one is named.
func TestClose(t *testing.T) {
	stalled := fmt.Errorf("step 7: cuda:0: %w", engine.ErrStalled)
	agreed := collective.Agree(new(pretender), nil)
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
