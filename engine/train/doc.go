// Package train trains a net on folders of shards. Run takes a Config and writes a
// run folder with checkpoints and metrics. It also resumes a run that was stopped,
// and ends with the same bits as an uninterrupted run.
//
// A run folder holds run.json (the whole configuration), metrics.jsonl (one object
// per log step and per validation), checkpoints/ (the last few and the best) and
// tensorboard/.
package train
