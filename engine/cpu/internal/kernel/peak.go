package kernel

// Peak executes turns × PeakFLOP floating-point operations on registers alone,
// with the widest multiply-add of the machine: what one core could reach if
// nothing had to be loaded. nil where there is no assembly to do it.
var Peak func(turns int)

// PeakFLOP is the number of operations of one turn: twelve multiply-adds of
// eight floats.
const PeakFLOP = 12 * 8 * 2
