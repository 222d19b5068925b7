package mpi

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
	"unsafe"
)

// watch finds the missing ranks when a call takes too long. A rank that has waited for
// the timeout sends all others a message, and soon afterwards has the messages of all
// ranks that wait as well. The other ranks are missing: dead, hung, or busy elsewhere.
type watch struct {
	what    string // what the rank waits for; "" when it doesn't wait
	call    string // the call on bytes in progress
	since   time.Time
	told    time.Time // when the other ranks were told; zero before
	posts   []*post   // per rank; nil for this one
	letters []*request
}

// post receives another rank's message that it waits.
type post struct {
	letter [1]byte
	next   *request
	last   time.Time // when the last message came
}

// tagWaiting is the tag of these messages.
const tagWaiting = 17

// await begins to watch a call; "" ends it. Earlier messages belong to earlier calls.
func (w *World) await(what string) {
	w.readMessages()
	w.watch.what, w.watch.since, w.watch.told = what, time.Now(), time.Time{}
}

// listen prepares to receive messages from every other rank.
func (w *World) listen() error {
	w.watch.posts = make([]*post, w.size)
	for r := range w.size {
		if r != w.rank {
			w.watch.posts[r] = new(post)
			if err := w.expect(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// expect posts the receive of a rank's next message.
func (w *World) expect(r int) error {
	p := w.watch.posts[r]
	var err error
	p.next, err = w.start("MPI_Irecv", w.lib.irecv, []any{p},
		uintptr(unsafe.Pointer(&p.letter)), 1, w.lib.bytes, uintptr(r), tagWaiting, w.control)
	return err
}

// silence stops listening, because MPI can't be finalised before.
func (w *World) silence() {
	for _, p := range w.watch.posts {
		if p != nil {
			_ = w.lib.call("MPI_Cancel", w.lib.cancel, uintptr(unsafe.Pointer(&p.next.handle)))
			_ = w.lib.call("MPI_Request_free", w.lib.requestFree, uintptr(unsafe.Pointer(&p.next.handle)))
		}
	}
}

// missing ends the job when the present call has taken too long.
func (w *World) missing() {
	if w.aborted.Load() {
		w.abort()
	}
	c := &w.watch
	if c.what == "" || time.Since(c.since) < w.options.Timeout {
		return
	}
	if c.told.IsZero() {
		c.told = time.Now()
		w.sendMessages()
	}
	// One message is enough: the first of the waiting ranks prints it and ends the job. If
	// that rank doesn't, the others do.
	grace := max(time.Second, w.options.Timeout/4)
	if time.Since(c.told) < grace {
		return
	}
	absent := w.absent()
	if !w.isFirst(absent) && time.Since(c.told) < 3*grace {
		return
	}
	fmt.Fprintln(os.Stderr, w.complaint(absent))
	w.abort()
}

// sendMessages sends every other rank a message.
func (w *World) sendMessages() {
	letter := []byte{1}
	for r := range w.size {
		if r != w.rank {
			q, err := w.start("MPI_Isend", w.lib.isend, []any{&letter[0]},
				uintptr(unsafe.Pointer(&letter[0])), 1, w.lib.bytes, uintptr(r), tagWaiting, w.control)
			if err == nil {
				w.watch.letters = append(w.watch.letters, q)
			}
		}
	}
}

// readMessages records the messages that have arrived.
func (w *World) readMessages() {
	for r, p := range w.watch.posts {
		for p != nil {
			if ok, err := w.completed(p.next); !ok || err != nil {
				break
			}
			p.last = time.Now()
			if w.expect(r) != nil {
				break
			}
		}
	}
}

// absent returns the ranks that have sent no message since this one began to wait.
func (w *World) absent() []int {
	w.readMessages()
	var absent []int
	for r, p := range w.watch.posts {
		if p != nil && p.last.Before(w.watch.since) {
			absent = append(absent, r)
		}
	}
	return absent
}

// isFirst reports whether this rank is the first of the waiting ones.
func (w *World) isFirst(absent []int) bool {
	for r := range w.rank {
		if !slices.Contains(absent, r) {
			return false
		}
	}
	return true
}

func (w *World) complaint(absent []int) string {
	waited := time.Since(w.watch.since).Round(time.Second)
	if len(absent) == 0 {
		return fmt.Sprintf("all %d ranks have waited for %s for %v and none is missing: the network between %s is down or far too slow; ending the job", w.size, w.watch.what, waited, strings.Join(slices.Compact(slices.Sorted(slices.Values(w.hosts))), ", "))
	}
	names := make([]string, len(absent))
	for i, r := range absent {
		names[i] = fmt.Sprintf("rank %d on %s", r, w.hosts[r])
	}
	return fmt.Sprintf("%s did not come to %s within %v: ending the job; it can be resumed from its last checkpoint, with any number of ranks", strings.Join(names, ", "), w.watch.what, waited)
}
