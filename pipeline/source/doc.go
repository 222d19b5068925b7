// Package source lists and opens labelled pictures in several layouts. Each layout has
// one file of code and implements Source. Open takes a layout by name, or lets Detect
// find it.
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
// A label is an index into Classes. Classes are sorted by ID unless Options.Classes
// gives another order. For ImageNet the ID is the wnid, and this is the usual order of
// its labels. A training picture has the same name in folders, ilsvrc and kaggle.
//
// Open reads directory listings, lists and tar headers, but no pictures. An item that
// is not a picture is found later, when package decode decodes it. Open returns an
// error if a source as a whole is wrong (an archive is cut short, labels are missing or
// don't fit): otherwise pictures would be lost or labels shifted without a message.
package source
