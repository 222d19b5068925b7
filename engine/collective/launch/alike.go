package launch

import (
	"encoding/json"
	"fmt"

	"alexnet/engine/collective"
)

// alike compares the terms of all ranks of a new group. It is the ranks' first call.
// All ranks return the same error, or none does.
func alike(group collective.Collective, terms collective.Terms) error {
	text, err := json.Marshal(terms)
	if err != nil {
		return err
	}
	all, err := group.Gather(text)
	if err != nil {
		return err
	}
	first, err := parseTerms(all[0])
	for rank := 1; rank < len(all) && err == nil; rank++ {
		var other collective.Terms
		if other, err = parseTerms(all[rank]); err != nil || first.Hash() == other.Hash() {
			continue
		}
		here := fmt.Sprintf("rank 0 (%s)", group.Hosts()[0])
		there := fmt.Sprintf("rank %d (%s)", rank, group.Hosts()[rank])
		err = &collective.TermsError{Differences: first.Differences(here, other, there)}
	}
	if err != nil {
		return collective.Agreed(err)
	}
	return nil
}

func parseTerms(text []byte) (terms collective.Terms, err error) {
	if err := json.Unmarshal(text, &terms); err != nil {
		return nil, &collective.TermsError{Differences: []string{"some of them are other programs, or other versions of this one"}}
	}
	return terms, nil
}
