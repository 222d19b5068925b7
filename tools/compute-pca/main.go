// Command compute-pca computes pca.json from the colour statistics of a folder of
// shards: mean, covariance, and the axes of Krizhevsky's colour noise.
package main

import "alexnet/tools/internal/command"

func main() { command.Main(run) }
