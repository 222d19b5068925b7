// Package ablate trains a net with and without parts of the paper, over several
// seeds, and compares the runs.
package ablate
