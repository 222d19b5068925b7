package tcp

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"alexnet/engine/collective"
	"alexnet/engine/collective/collectivetest"
)

func termsOf(seed string) collective.Terms {
	return collective.Terms{{Name: "--lr", Value: "0.01"}, {Name: "--seed", Value: seed}}
}

// Where a rank has other terms, all of them end soon, and rank 0 and that
// rank say how they differ.
func TestTermsDiffer(t *testing.T) {
	defer goleak.VerifyNone(t)
	address, log, exits := port(t), new(journal), make(chan int, 3)
	errs := make([]error, 3)
	began := time.Now()
	var all sync.WaitGroup
	for r, seed := range []string{"1", "1", "2"} {
		all.Go(func() {
			_, errs[r] = rank(r, 3, address, Options{Timeout: 4 * time.Second, Terms: termsOf(seed)}, log, exits)
		})
	}
	all.Wait()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the job took %v to end", took)
	}
	for r, want := range []string{
		`--seed is "1" on rank 0 and "2" on rank 2`,
		"rank 1 of 3 ends too", // to log, and its process ends
		`--seed is "2" on rank 2 and "1" on rank 0`,
	} {
		var differ *collective.TermsError
		switch {
		case r == 1 && (errs[r] == nil || !strings.Contains(log.String(), want) || len(exits) != 1):
			t.Errorf("rank 1: %v, %d exits\n%s", errs[r], len(exits), log)
		case r != 1 && (!errors.As(errs[r], &differ) || len(differ.Differences) != 1 || differ.Differences[0] != want):
			t.Errorf("rank %d: %v, want %s", r, errs[r], want)
		}
	}
}

// A rank of another job that has the token doesn't disturb this one, whose own rank
// comes a little later or is there already.
func TestOtherJob(t *testing.T) {
	for _, late := range []bool{false, true} {
		address, log, exits := port(t), new(journal), make(chan int, 4)
		var all sync.WaitGroup
		start := func(r int, terms collective.Terms, want string) {
			all.Go(func() {
				s, err := rank(r, 3, address, Options{Timeout: 4 * time.Second, Terms: terms}, log, exits)
				if err == nil {
					err = errors.Join(collectivetest.Check(s, collective.Float32), s.Close())
				}
				if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("late %v, rank %d: %v, want %q", late, r, err, want)
				}
			})
		}
		const other = `--seed is "9" on rank 1 and "1" on rank 0`
		start(0, termsOf("1"), "")
		if late {
			start(1, termsOf("9"), other)
			time.Sleep(300 * time.Millisecond)
			start(1, termsOf("1"), "")
			start(2, termsOf("1"), "")
		} else {
			start(1, termsOf("1"), "")
			time.Sleep(300 * time.Millisecond)
			start(1, termsOf("9"), other)
			time.Sleep(1500 * time.Millisecond) // longer than rank 0 has patience with it
			start(2, termsOf("1"), "")
		}
		all.Wait()
		if len(exits) > 0 || strings.Count(log.String(), "rank 1 was started with other terms than rank 0") != 1 {
			t.Errorf("%d exits\n%s", len(exits), log)
		}
	}
}
