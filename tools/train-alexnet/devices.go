package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/urfave/cli/v2"

	"alexnet/engine/devices"
)

// devicesCommand lists what --devices takes.
func devicesCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:        "devices",
		Category:    inMachine,
		Usage:       "list the device contexts that --devices takes here",
		Description: "Each name holds one context of a --devices list. The towers of the net are spread over the list: cpu puts\nboth on one context, cpu,cpu one on each, running at the same time.",
		Action: func(*cli.Context) error {
			contexts, err := devices.Open("cpu", devices.Options{})
			if err != nil {
				return err
			}
			for _, c := range contexts {
				fmt.Fprintf(stdout, "%s\t%d cores, %s/%s\n", c.Name(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
				if err := c.Close(); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
