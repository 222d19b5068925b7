// Command compute-pca turns the colour statistics of a folder of shards into
// pca.json: mean, covariance, and the axes of Krizhevsky's colour noise.
package main

import "alexnet/tools/internal/command"

func main() { command.Main(run) }
