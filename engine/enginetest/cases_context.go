package enginetest

// contextCases lists the promises of engine.Context that are not about one op.
func contextCases() []Case { return nil }
