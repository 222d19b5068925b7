package launcher

import (
	"strings"
	"testing"
)

// of makes variables of NAME=value words.
func of(words string) Variables {
	all := map[string]string{}
	for _, w := range strings.Fields(words) {
		name, value, _ := strings.Cut(w, "=")
		all[name] = value
	}
	return func(name string) string { return all[name] }
}

func TestMPI(t *testing.T) {
	for _, c := range []struct {
		words         string
		is            bool
		size          int
		by            string
		open, mpich   bool
		saysOtherwise bool
	}{
		{"", false, 1, "", false, false, false},
		{"OMPI_COMM_WORLD_SIZE=3 OMPI_COMM_WORLD_RANK=0", true, 3, "OMPI_COMM_WORLD_SIZE", true, false, false},
		{"PMI_SIZE=4 PMI_RANK=1", true, 4, "PMI_SIZE", false, true, false},
		{"OMPI_COMM_WORLD_SIZE=3 PMI_SIZE=4", true, 3, "OMPI_COMM_WORLD_SIZE", true, false, false},
		{"PMIX_RANK=0 SLURM_STEP_ID=0 SLURM_NTASKS=5", true, 5, "SLURM_NTASKS", false, false, true},
		{"SLURM_NTASKS=5", false, 1, "", false, false, false}, // sbatch's own shell
		{"PMI_SIZE=x", true, 1, "", false, true, false},
		{"RANK=0 WORLD_SIZE=2", false, 1, "", false, false, true},
	} {
		e := of(c.words)
		size, by := MPISize(e)
		if MPI(e) != c.is || size != c.size || by != c.by || OpenMPI(e) != c.open || MPICH(e) != c.mpich || HasRank(e) != c.saysOtherwise {
			t.Errorf("%q: MPI %v, size %d by %q, Open MPI %v, MPICH %v, says %v; want %+v", c.words, MPI(e), size, by, OpenMPI(e), MPICH(e), HasRank(e), c)
		}
	}
}
