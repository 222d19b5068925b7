// Package launcher reads the environment variables in which launchers (mpirun, srun,
// torchrun, Kubernetes) tell a process its place in a job. No other package reads
// them.
package launcher

import "strconv"

// Variables looks up an environment variable: os.Getenv, or a test's
// function.
type Variables func(name string) string

// mpi are variables of MPI launchers: Open MPI's mpirun, MPICH's hydra and srun
// --mpi=pmi2, srun --mpi=pmix.
var mpi = []string{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "PMI_SIZE", "PMI_RANK", "PMIX_RANK"}

// MPI reports whether an MPI launcher has started this process.
func MPI(e Variables) bool {
	for _, name := range mpi {
		if e(name) != "" {
			return true
		}
	}
	return false
}

// sizes are the variables by which an MPI launcher tells a process its job's size: Open
// MPI's mpirun, MPICH's hydra, PMIx (srun --mpi=pmix).
var sizes = []string{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"}

// MPISize returns the number of processes of the job, this one included, as an MPI
// launcher's variables say, and the variable's name; 1 and "" without a launcher.
func MPISize(e Variables) (size int, by string) {
	for _, name := range sizes {
		if name == "SLURM_NTASKS" && e("SLURM_STEP_ID") == "" {
			continue // sbatch's own shell, not a step of srun
		}
		if n, err := strconv.Atoi(e(name)); err == nil && n > 0 {
			return n, name
		}
	}
	return 1, ""
}

// OpenMPI and MPICH report whether the launcher of one of the two has started this
// process.
func OpenMPI(e Variables) bool { return e("OMPI_COMM_WORLD_SIZE") != "" }
func MPICH(e Variables) bool   { return e("PMI_SIZE") != "" && !OpenMPI(e) }

// HasRank reports whether a variable gives this process's rank in a job without MPI.
func HasRank(e Variables) bool { return e("WORLD_SIZE") != "" || e("SLURM_STEP_ID") != "" }
