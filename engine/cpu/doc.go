// Package cpu runs the engine's ops on the machine's processors.
package cpu
