package engine

import (
	"fmt"
	"io"
	"text/tabwriter"

	"alexnet/internal/printable"
)

// PrintShapes prints the output and the cost of each layer, for people.
func (n *Net) PrintShapes(w io.Writer) error {
	sizes, err := n.Sizes()
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	printable.Fprintf(t, "net %s: %s, %s\n", n.Name, printable.Count(n.Classes, "class"), printable.Count(n.Towers, "tower"))
	fmt.Fprintf(t, "  image\t3×%d×%d\n", n.Input.Size, n.Input.Size)
	parameters, flop := 0, 0.0
	for i, l := range n.Layers {
		takes := "\t"
		if l.Weighted() {
			takes = fmt.Sprintf("%d parameters\t%.2f MFLOP", sizes[i].Parameters, sizes[i].FLOP/1e6)
		}
		printable.Fprintf(t, "  %s\t%v", l.Kind(), sizes[i].Out)
		fmt.Fprintf(t, "\t%s\n", takes)
		parameters, flop = parameters+sizes[i].Parameters, flop+sizes[i].FLOP
	}
	fmt.Fprintf(t, "  in all\t\t%d parameters\t%.2f MFLOP an image, forward\n", parameters, flop/1e6)
	return t.Flush()
}
