package ablate

import (
	"slices"
	"strings"

	"alexnet/engine/train"
	"alexnet/internal/setting"
)

// Part is a part of the paper's method that a run can leave out
// (train.Config.Without).
type Part struct {
	Name string
	// Paper is what the paper's runs lost without it: points of top-1 and top-5 error.
	Paper string
	// Training says that the paper judges it by the training error.
	Training bool
}

// Parts is the table of ablations. The figures are the paper's (by section) and those of
// the ledgers in the published source, layer-params-N.cfg. Runs 147, 148 and 150 stand
// against run 145 of ILSVRC-2012, 40.66 and 18.21 % on its validation set (the paper's
// 40.7 and 18.2); 145-half against run 145 of ILSVRC-2010, 37.47 and 17.00 % on its test
// set.
var Parts = []Part{
	{Name: "lrn", Paper: "+1.37 / +1.15 (run 148, 2012 validation)"},
	{Name: "overlap", Paper: "+0.39 / +0.30 (run 147, 2012 validation)"},
	{Name: "crosstalk", Paper: "+1.16 / +1.12 (run 150, 2012 validation, unpublished)"},
	{Name: "towers", Paper: "+1.70 / +1.23 (145-half, 2010 test)"},
	{Name: "middle", Paper: "about +2 top-1 (§7, any middle layer)"},
	{Name: train.WithoutPCA, Paper: "more than +1 top-1 (§4.1)"},
	{Name: train.WithoutCrops, Paper: "substantial overfitting (§4.1)"},
	{Name: "dropout", Paper: "substantial overfitting (§4.2)"},
	{Name: train.WithoutDecay, Paper: "a higher training error (§5)", Training: true},
	{Name: "relu", Paper: "six times slower to 25 % training error (§3.1, CIFAR-10)", Training: true},
}

// Names returns the parts' names.
func Names() []string {
	var names []string
	for _, p := range Parts {
		names = append(names, p.Name)
	}
	return names
}

// find returns the row with a name.
func find(name string) (Part, error) {
	i := slices.IndexFunc(Parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		return Part{}, setting.Invalidf("%s: want %s", setting.Value("parts", name), strings.Join(Names(), ", "))
	}
	return Parts[i], nil
}
