package engine

// Labels are the classes of a net, index = label. A nil list is not known.
type Labels struct {
	IDs   []string // as in the training set, such as n01440764
	Names []string // for people, such as "tench"; "" is a class without a name
}
