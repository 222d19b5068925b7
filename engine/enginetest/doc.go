// Package enginetest is the conformance suite for all device contexts, with the
// float64 reference that it compares them with.
//
// A context's own test is one call:
//
//	func TestContext(t *testing.T) {
//		enginetest.Run(t, func(t *testing.T) engine.Context { return cpu.New(…) }, enginetest.FP32)
//	}
//
// Cases lists the checks: each op of the engine over a table of shapes, and each
// promise of the Context interface. Check runs the same cases without a *testing.T,
// for a command that examines a machine.
//
// Evaluate is the reference: a literal evaluation of each op from its comment in the
// engine. With every output it returns the size of the summed terms and the number of
// roundings on the way. So a Tolerance is made of unit roundoffs, and needs no
// constant chosen to make a case pass (Higham, Accuracy and Stability of Numerical
// Algorithms, ch. 3; Higham and Mary 2019 for the √n). Finite differences and numbers
// from PyTorch prove the reference itself.
package enginetest
