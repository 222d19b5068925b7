package mpi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alexnet/internal/dynlib"

	"alexnet/engine/collective"
	"alexnet/engine/collective/collectivetest"
)

// roleVariable turns this test binary into a rank that plays a role.
const roleVariable = "ALEXNET_MPI_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, "rank failed:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// mpirun starts n ranks that play a role, and returns what they print.
func mpirun(t testing.TB, launcher, role string, n int) (string, error) {
	t.Helper()
	path, err := exec.LookPath(launcher)
	if err != nil {
		t.Skipf("%s is not installed (apt-get install openmpi-bin mpich)", launcher)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-n", fmt.Sprint(n), os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role,
		"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "OMPI_MCA_rmaps_base_oversubscribe=1", "OMPI_MCA_plm=isolated")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%s: %v\n%s", launcher, ctx.Err(), out.String())
	}
	return out.String(), err
}

func play(role string) error {
	options := Options{Timeout: 20 * time.Second}
	switch role {
	case "bfloat16", "bench bfloat16":
		options.Wire = collective.BFloat16
	case "hang", "hang behind a sum":
		options.Timeout = time.Second
	}
	if role == "deaf" {
		return playDeaf(options)
	}
	w, err := Open(options)
	if err != nil {
		return err
	}
	switch role {
	case "sums", "bfloat16":
		err = collectivetest.Check(w, options.Wire)
		if err == nil && w.Local() != w.Rank() { // the test runs on one host
			err = fmt.Errorf("local rank %d of rank %d on hosts %v", w.Local(), w.Rank(), w.Hosts())
		}
	case "bench", "bench bfloat16":
		err = playBench(w)
	case "hang":
		if w.Rank() == 1 {
			time.Sleep(30 * time.Second)
		}
		err = collective.Barrier(w)
	case "hang behind a sum":
		sum := w.AllReduce(make([]float32, 1<<20)) // it ends while others are in the gather
		if w.Rank() == 1 {
			err = sum()
			time.Sleep(30 * time.Second)
		}
		_, lost := w.Gather(nil)
		err = errors.Join(err, lost, sum())
	case "daemon stops":
		if err = collective.Barrier(w); w.Rank() == 0 {
			err = errors.Join(err, stopDaemon())
		}
	case "abort":
		if w.Rank() == 1 {
			w.Abort(errors.New("the disk is full"))
		}
		err = collective.Barrier(w)
	case "die":
		if w.Rank() == 1 {
			p, _ := os.FindProcess(os.Getpid())
			_ = p.Kill()
		}
		err = collective.Barrier(w)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	if role == "end apart" {
		time.Sleep(time.Duration(w.Rank()) * 300 * time.Millisecond)
	}
	fmt.Println("done", w.Rank(), "of", w.Size(), w.Library())
	return nil
}

// playDeaf is a rank 1 that can't hear the others' names, and others that wait for it.
func playDeaf(o Options) error {
	quietSignals()
	lib, err := open(candidates(os.Getenv))
	if err != nil {
		return err
	}
	if os.Getenv("OMPI_COMM_WORLD_RANK")+os.Getenv("PMI_RANK") == "1" {
		lib.iallgatherv = dynlib.Callback(func(_, _, _, _, _, _, _, _, _ uintptr) uintptr { return 16 }) // MPI_ERR_OTHER, MPICH's MPI_ERR_INTERN
	}
	_, err = openWith(lib, o)
	return err
}

var mpiruns = []string{"mpirun.openmpi", "mpirun.mpich"}

func TestSums(t *testing.T) {
	for _, launcher := range mpiruns {
		for _, c := range []struct {
			role string
			n    int
		}{{"sums", 1}, {"sums", 2}, {"sums", 3}, {"sums", 4}, {"bfloat16", 4}} {
			t.Run(fmt.Sprint(launcher, " ", c.role, " ", c.n), func(t *testing.T) {
				out, err := mpirun(t, launcher, c.role, c.n)
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if got := strings.Count(out, "done "); got != c.n {
					t.Errorf("%d ranks are done, want %d:\n%s", got, c.n, out)
				}
				family := map[string]string{"mpirun.openmpi": "Open MPI", "mpirun.mpich": "MPICH"}[launcher]
				if !strings.Contains(out, family) {
					t.Errorf("the ranks don't use %s:\n%s", family, out)
				}
			})
		}
	}
}

// A rank that hangs, ends the job or is killed takes the others with it, soon,
// and is named.
func TestFailures(t *testing.T) {
	for _, launcher := range mpiruns {
		for _, c := range []struct{ role, says string }{
			{"hang", "rank 1 on "},
			{"hang behind a sum", " did not come to a gather within "},
			{"abort", "rank 1 of 4 ends the job: the disk is full"},
			{"deaf", "MPI_Iallgatherv: "},
			{"die", "9"}, // signal 9; the launcher's own words
		} {
			t.Run(launcher+" "+c.role, func(t *testing.T) {
				began := time.Now()
				out, err := mpirun(t, launcher, c.role, 4)
				if err == nil {
					t.Errorf("the job has succeeded")
				}
				if !strings.Contains(out, c.says) {
					t.Errorf("the output lacks %q:\n%s", c.says, out)
				}
				if d := time.Since(began); d > 15*time.Second {
					t.Errorf("the job took %v to end", d)
				}
			})
		}
	}
}

// stopDaemon stops this rank's launcher for 5 s (MPICH's, for which its ranks wait, for
// 7.5 s), and lets it run for a moment every 2.5 s, as on an overloaded machine.
func stopDaemon() error {
	const script = `for i in $1; do kill -STOP $0; sleep 2.5; kill -CONT $0; sleep .005; done`
	times := "1 2"
	if os.Getenv("PMI_SIZE") != "" {
		times = "1 2 3"
	}
	daemon := fmt.Sprint(os.Getppid())
	return errors.Join(exec.Command("kill", "-STOP", daemon).Run(), exec.Command("sh", "-c", script, daemon, times).Start())
}

// A daemon that doesn't look at its ranks while they end takes none of them for one
// that has failed, and none of them goes before it has looked.
func TestBusyDaemon(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 13 s")
	}
	for _, launcher := range mpiruns {
		t.Run(launcher, func(t *testing.T) {
			t.Parallel()
			if out, err := mpirun(t, launcher, "daemon stops", 4); err != nil || strings.Count(out, "done ") != 4 || strings.Contains(out, "does not end") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// A rank that has closed may live on for as long as it wants after others have ended. An
// MPICH since 4.2 would kill it, were the launcher not told.
func TestRanksEndApart(t *testing.T) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skip(err)
	}
	dir := cmp.Or(os.Getenv("ALEXNET_TEST_MPICH"), filepath.Join(home, ".cache", "alexnet-mpich")) // "make mpich"
	for _, launcher := range append([]string{filepath.Join(dir, "bin", "mpiexec")}, mpiruns...) {
		t.Run(filepath.Base(launcher), func(t *testing.T) {
			if filepath.IsAbs(launcher) {
				t.Setenv(pathVariable, filepath.Join(dir, "lib", "libmpi.so.12"))
			}
			if out, err := mpirun(t, launcher, "end apart", 3); err != nil || strings.Count(out, "done ") != 3 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// Only where MPI_Finalize may hang is it left early.
func TestLimit(t *testing.T) {
	here, there := []string{"a", "a", "a"}, []string{"a", "b", "a"}
	for _, c := range []struct {
		version string
		hosts   []string
		want    time.Duration
	}{
		{"MPICH Version:\t4.0.2", there, mayHang}, {"MPICH Version:\t3.4.3", there, mayHang}, {"MPICH Version:\t4.0.2", here, ends},
		{"MPICH Version:      4.2.0", there, ends}, {"MPICH Version:      5.0.2", there, ends},
		{"Open MPI v4.1.4, package: Debian OpenMPI", there, ends}, {"Intel(R) MPI Library 2021.12", there, ends},
	} {
		w := &World{lib: &library{version: c.version}, hosts: c.hosts}
		if got := w.limit(); got != c.want {
			t.Errorf("%q on %v: %v, want %v", c.version, c.hosts, got, c.want)
		}
	}
}

// Ranks of one library under the other's launcher each see a world of one.
func TestWrongLibrary(t *testing.T) {
	t.Setenv(pathVariable, "libmpich.so.12")
	out, err := mpirun(t, "mpirun.openmpi", "sums", 2)
	if err == nil || !strings.Contains(out, "it isn't the launcher's own") {
		t.Errorf("error %v, output:\n%s", err, out)
	}
}

func TestNoLibrary(t *testing.T) {
	_, err := open([]string{"libno-such-mpi.so.1"})
	if err == nil || !strings.Contains(err.Error(), "no MPI library found: install") {
		t.Errorf("error %v", err)
	}
}

func TestShares(t *testing.T) {
	if got := fmt.Sprint(shares(10, 4)); got != "[0 3 6 8 10]" {
		t.Errorf("shares(10, 4) = %s", got)
	}
}
