// Package rankstest starts a test's own binary as the ranks of a job, under every
// launcher of the machine.
package rankstest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// variable is set in the processes that Run starts.
const variable = "ALEXNET_TEST_RANK"

// Main is a TestMain for the package of a command. The binary is the command if Run
// has started it, and otherwise the tests.
func Main(m *testing.M, command func()) {
	if os.Getenv(variable) != "" {
		command()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Launchers are Open MPI's and MPICH's mpirun, and none.
var Launchers = []string{"mpirun.openmpi", "mpirun.mpich", TCP}

// Run runs the command on n ranks and returns the output of all of them.
func Run(t testing.TB, launcher string, n int, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if launcher == TCP {
		return runTCP(ctx, t, slices.Repeat([][]string{args}, n))
	}
	return execute(ctx, t, append([]string{find(t, launcher), "-n", fmt.Sprint(n), os.Args[0]}, args...),
		"OMPI_MCA_plm=isolated") // needs no ssh
}

// RunEach is Run with different arguments for each rank, like a user's mistake.
func RunEach(t testing.TB, launcher string, args ...[]string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if launcher == TCP {
		return runTCP(ctx, t, args)
	}
	command := []string{find(t, launcher)}
	for r, own := range args {
		if r > 0 {
			command = append(command, ":")
		}
		command = append(append(command, "-n", "1", os.Args[0]), own...)
	}
	return execute(ctx, t, command, "OMPI_MCA_plm=isolated")
}

// find returns the launcher's path.
func find(t testing.TB, launcher string) string {
	t.Helper()
	path, err := exec.LookPath(launcher)
	if err != nil {
		t.Skipf("%s is not installed (apt-get install openmpi-bin mpich)", launcher)
	}
	return path
}

// execute runs a launcher's command line and returns the output of all ranks.
func execute(ctx context.Context, t testing.TB, command []string, environment ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(append(os.Environ(), variable+"=1",
		// Open MPI needs permission to run as root, and with more ranks than cores.
		"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "OMPI_MCA_rmaps_base_oversubscribe=1",
		"OMPI_MCA_btl_vader_single_copy_mechanism=none"), environment...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), ctx.Err(), out.String())
	}
	return out.String(), err
}
