package launch

import (
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	const torch = "RANK=1 WORLD_SIZE=4 MASTER_ADDR=node1 MASTER_PORT=29500 ALEXNET_RANK_TOKEN=0123456789abcdef"
	const slurm = "SLURM_STEP_ID=2 SLURM_JOB_ID=5 SLURM_NTASKS=8 SLURM_PROCID=3 SLURM_STEP_NODELIST=a,b ALEXNET_RANK_TOKEN=0123456789abcdef"
	for _, c := range []struct {
		environment string
		want        means
		err         string
	}{
		{"", alone, ""},
		{torch, byTCP, ""},
		{slurm, byTCP, ""},
		{torch + " OMPI_COMM_WORLD_SIZE=2", byMPI, ""},
		{torch + " OMPI_MCA_plm=isolated", byTCP, ""}, // a setting, no launcher
		{slurm + " PMIX_RANK=3", byMPI, ""},
		{slurm + " PMI_RANK=3", byMPI, ""},
		{slurm + " PMI_SIZE=8", byMPI, ""},
		{slurm + " PMIX_RANK=3 ALEXNET_RANKS=tcp", byTCP, ""},
		{slurm + " ALEXNET_RANKS=mpi", byMPI, ""},
		{torch + " ALEXNET_RANKS=none", alone, ""},
		{"RANK=3 ALEXNET_RANKS=none", alone, ""},
		{"WORLD_SIZE=1 ALEXNET_RANKS=tcp", alone, ""},
		{"RANK=3", "", "WORLD_SIZE is not set: it says how many ranks there are, and RANK is set (if this process is no rank of a job, set ALEXNET_RANKS=none)"},
		{"ALEXNET_RANKS=tcp", "", "nothing says which rank this is"},
		{"ALEXNET_RANKS=nccl", "", "ALEXNET_RANKS=nccl: want mpi, tcp or none"},
	} {
		set := map[string]string{}
		for _, v := range strings.Fields(c.environment) {
			name, value, _ := strings.Cut(v, "=")
			set[name] = value
		}
		got, _, err := choose(func(name string) string { return set[name] })
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v; want %q, %q", c.environment, got, err, c.want, c.err)
		}
	}
}
