package devices

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"alexnet/internal/printable"
)

// Print lists devices, libraries, and what is missing, for people.
func (found Inventory) Print(stdout io.Writer) error {
	for _, d := range found.Devices {
		printable.Fprintf(stdout, "%s\t%s, %s\n", d.Name, d.About, strings.Join(d.Precisions, " "))
		for _, k := range d.Kernels {
			note := ""
			switch {
			case k.Chosen:
				note = ", chosen by itself"
			case !k.Usable:
				note = ", not on this machine"
			}
			fmt.Fprintf(stdout, "\tkernels %s in %s: need %s%s\n", k.Name, k.Precision, k.Needs, note)
		}
	}
	if len(found.Libraries) > 0 {
		fmt.Fprintln(stdout, "\nlibraries")
		w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
		for _, l := range found.Libraries {
			printable.Fprintf(w, "  %s\t%s\t%s\n", l.Name, l.Version, l.Path)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for _, n := range found.Notes {
		printable.Fprintf(stdout, "\nnote: %s\n", n)
	}
	for _, m := range found.Missing {
		fmt.Fprintf(stdout, "\nmissing for GPUs: %s\n  %s\n", m.Name, printable.Error(errors.New(m.Why)))
		for i, line := range m.Install {
			word := "install with"
			if i > 0 {
				word = "or with     "
			}
			printable.Fprintf(stdout, "  %s %s\n", word, line)
		}
	}
	return nil
}
