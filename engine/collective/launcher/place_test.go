package launcher

import (
	"strings"
	"testing"
)

func TestFirstHost(t *testing.T) {
	for _, c := range []struct{ list, want string }{
		{"node1", "node1"},
		{"a,b", "a"},
		{"node[03-05,9],x1", "node03"},
		{"node[9,03-05]", "node9"},
		{"x1,node[03-05]", "x1"},
		{"node[1-4]-ib", "node1-ib"},
		{"rack[2-3]node[08,10-12]", "rack2node08"},
		{"n7.cluster[1]", "n7.cluster1"},
		{"", ""},
		{",a", ""},
		{"node[", ""},
		{"node[]", ""},
		{"node[a-b]", ""},
		{"node[1", ""},
		{"node[1;2]", ""},
	} {
		got, err := firstHost(c.list)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q: %q, %v; want %q", c.list, got, err, c.want)
		}
	}
}

func TestGiven(t *testing.T) {
	const token = TokenVariable + "=0123456789abcdef"
	const torch = "RANK=1 WORLD_SIZE=4 MASTER_ADDR=node1 MASTER_PORT=29500 " + token
	const slurm = "SLURM_STEP_ID=2 SLURM_JOB_ID=123456 SLURM_NTASKS=8 SLURM_PROCID=3 SLURM_STEP_NODELIST=node[03-05,9] " + token
	for _, c := range []struct {
		environment string
		rank, size  int
		local       int
		address     string
		err         string
	}{
		{"", 0, 1, -1, "", ""},
		{"MASTER_ADDR=node1 MASTER_PORT=29500", 0, 1, -1, "", ""},
		{"WORLD_SIZE=1", 0, 1, -1, "", ""},
		{"WORLD_SIZE=1 RANK=0", 0, 1, -1, "", ""},
		{torch, 1, 4, -1, "node1:29500", ""},
		{torch + " LOCAL_RANK=1", 1, 4, 1, "node1:29500", ""},
		{torch + " SLURM_LOCALID=0", 1, 4, -1, "node1:29500", ""}, // torchrun's own task
		{torch + " TORCHELASTIC_USE_AGENT_STORE=True", 1, 4, -1, "node1:29501", ""},
		{torch + " TORCHELASTIC_USE_AGENT_STORE=True ALEXNET_RANK_PORT=4000", 1, 4, -1, "node1:4000", ""},
		{torch + " MASTER_ADDR=fd00::1", 1, 4, -1, "[fd00::1]:29500", ""},
		{torch + " " + slurm, 1, 4, -1, "node1:29500", ""}, // torchrun under srun
		{slurm, 3, 8, -1, "node03:29294", ""},              // 20000 + (3456 + 2·7919) mod 10000
		{slurm + " SLURM_LOCALID=1", 3, 8, 1, "node03:29294", ""},
		{slurm + " SLURM_LOCALID=1 LOCAL_RANK=0", 3, 8, 0, "node03:29294", ""},
		{slurm + " MASTER_ADDR=x MASTER_PORT=5", 3, 8, -1, "x:5", ""},
		{slurm + " WORLD_SIZE=8", 3, 8, -1, "node03:29294", ""},
		{slurm + " SLURM_STEP_NUM_TASKS=1", 0, 1, -1, "", ""}, // the shell of salloc
		{"SLURM_NTASKS=8 SLURM_PROCID=0", 0, 1, -1, "", ""},   // a batch script
		{"SLURM_STEP_ID=0 SLURM_NTASKS=1", 0, 1, -1, "", ""},

		{"RANK=0", 0, 1, -1, "", "WORLD_SIZE is not set"},
		{"WORLD_SIZE=2", 0, 1, -1, "", "RANK is not set"},
		{"RANK=1 WORLD_SIZE=1", 0, 1, -1, "", "RANK=1, and WORLD_SIZE=1"},
		{"RANK=4 WORLD_SIZE=4", 0, 1, -1, "", "RANK=4, and WORLD_SIZE=4"},
		{"RANK=-1 WORLD_SIZE=4", 0, 1, -1, "", "RANK=-1: want a number of at least 0"},
		{"RANK=x WORLD_SIZE=4", 0, 1, -1, "", "RANK=x"},
		{"RANK=1 WORLD_SIZE=0", 0, 1, -1, "", "WORLD_SIZE=0"},
		{"RANK=1 WORLD_SIZE=2 MASTER_PORT=1", 0, 1, -1, "", "MASTER_ADDR is not set"},
		{"RANK=1 WORLD_SIZE=2 MASTER_ADDR=a", 0, 1, -1, "", "MASTER_PORT is not set"},
		{"RANK=1 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=65536", 0, 1, -1, "", "a port is at most 65535"},
		{torch + " LOCAL_RANK=a", 0, 1, -1, "", "LOCAL_RANK=a"},
		{torch + " " + TokenVariable + "=", 0, 1, -1, "", "export ALEXNET_RANK_TOKEN=$(openssl rand -hex 16)"},
		{torch + " " + TokenVariable + "=short", 0, 1, -1, "", "has 5 characters"},
		{slurm + " SLURM_PROCID=", 0, 1, -1, "", "SLURM_PROCID is not set"},
		{slurm + " SLURM_PROCID=8", 0, 1, -1, "", "SLURM_PROCID=8 in a Slurm step of 8 tasks"},
		{slurm + " WORLD_SIZE=4", 0, 1, -1, "", "WORLD_SIZE=4 in a Slurm step of 8 tasks"},
		{slurm + " SLURM_STEP_NODELIST=", 0, 1, -1, "", "MASTER_ADDR"},
		{slurm + " SLURM_JOB_ID=", 0, 1, -1, "", "MASTER_PORT is not set"},
	} {
		set := map[string]string{}
		for _, v := range strings.Fields(c.environment) {
			name, value, _ := strings.Cut(v, "=")
			set[name] = value
		}
		p, err := Given(func(name string) string { return set[name] })
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", c.environment, err, c.err)
			}
		case err != nil || p.Rank != c.rank || p.Size != c.size || p.Local != c.local || p.Address != c.address:
			t.Errorf("%s: %+v, %v", c.environment, p, err)
		}
	}
}
