// Package source lists and opens labelled pictures wherever they come from: one
// file per layout, all behind the Source interface, chosen by name in an
// explicit table or found by Detect.
//
//	folders     ROOT/<class>/…, also ROOT/{train,val}/<class>/…, on the disk or in a tar
//	ilsvrc      ILSVRC2012_img_train.tar and _val.tar, with their devkit
//	kaggle      Kaggle's ILSVRC/Data/CLS-LOC with its CSV files
//	manifest    a .csv, .tsv or .jsonl list of path, label and split
//	webdataset  tars of samples such as 000000.jpg and 000000.cls
//
// Tars are read in place; compressed ones are unpacked to a temporary file first.
// docs/sources.md has the rules and the limits of each layout.
//
// A label is an index into Classes, which are sorted by ID (for ImageNet the
// wnid, the order that everyone trains with) unless Options.Classes says
// otherwise. A training picture has the same name in folders, ilsvrc and kaggle.
//
// Open reads directory listings, lists and tar headers, never pictures: whether
// the bytes of an item are a picture at all is found out by package decode, when
// the item is decoded. What is wrong with a whole source (an archive cut short,
// labels that are missing or don't fit) is an error of Open, since passing over
// it would lose pictures or shift labels in silence.
package source
