// Package enginetest is the one conformance suite that every device context
// passes, and the float64 reference it is held against.
//
// A context's own test is one call:
//
//	func TestContext(t *testing.T) {
//		enginetest.Run(t, func(t *testing.T) engine.Context { return cpu.New(…) }, enginetest.FP32)
//	}
//
// Cases lists what is checked: each op of the engine over a table of shapes,
// and each promise of the Context interface. Check runs the same cases without
// a *testing.T, for a command that examines a machine.
//
// Evaluate is the reference: a literal evaluation of each op from its comment
// in the engine. It returns with every output the size of the terms it was
// summed from and the number of roundings on the way, so that a Tolerance is
// made of unit roundoffs and needs no constant chosen to make a case pass
// (Higham, Accuracy and Stability of Numerical Algorithms, ch. 3; Higham and
// Mary 2019 for the √n). The reference itself is proved by finite differences
// and by numbers from PyTorch.
package enginetest
