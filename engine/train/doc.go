// Package train trains a net on folders of shards: Run takes a Config, writes a run
// folder with checkpoints and metrics, and goes on with a run that was stopped, to
// the same bits.
//
// A run folder holds run.json (the whole configuration), metrics.jsonl (one object
// per log step and per validation), checkpoints/ (the last few and the best) and
// tensorboard/.
package train
